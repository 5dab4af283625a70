import { VECTOR_512 } from "../../palm/index.ts";
import type { Ctx } from "../context.ts";
import { DomainError } from "../errors.ts";
import { type Environment, effectOn } from "./environment.ts";

/**
 * A new environment and its data key, in one batch. Only the wrapped key is stored.
 * @throws DomainError `conflict` for a global environment of vectors.
 * @throws Error when the id is taken.
 */
export async function createEnvironment(
  ctx: Ctx<"environments" | "changes" | "sealing" | "commit">,
  environment: Environment,
): Promise<void> {
  if (environment.type === "global" && environment.template_format === VECTOR_512) {
    throw new DomainError(
      "conflict",
      `A global environment cannot have the format ${VECTOR_512}: its samples are templates, which callers can make up, ` +
        "and a global environment accepts only images.",
    );
  }
  const writes = [
    ctx.environments.create(environment),
    ctx.changes.createManifest(environment.id, { wrapped_key: ctx.sealing.newDataKey(environment.id) }),
  ];
  const outcome = await ctx.commit(writes, effectOn(environment));
  if (outcome === "conflict") throw new Error(`environment ${environment.id} exists`);
}
