import type { Ctx } from "../context.ts";
import { type Environment, effectOn } from "./environment.ts";

/**
 * A new environment and its data key, in one batch. Only the wrapped key is stored.
 * @throws Error when the id is taken.
 */
export async function createEnvironment(
  ctx: Ctx<"environments" | "changes" | "sealing" | "commit">,
  environment: Environment,
): Promise<void> {
  const writes = [
    ctx.environments.create(environment),
    ctx.changes.createManifest(environment.id, { wrapped_key: ctx.sealing.newDataKey(environment.id) }),
  ];
  const outcome = await ctx.commit(writes, effectOn(environment));
  if (outcome === "conflict") throw new Error(`environment ${environment.id} exists`);
}
