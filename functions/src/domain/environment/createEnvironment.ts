import type { Ctx } from "../context.ts";
import type { Environment } from "./environment.ts";

/**
 * A new environment and its data key, in one batch. Only the wrapped key is stored.
 * @throws Error when the id is taken.
 */
export async function createEnvironment(
  ctx: Ctx<"environments" | "changes" | "sealing" | "commit">,
  environment: Environment,
): Promise<void> {
  const outcome = await ctx.commit([
    ctx.environments.create(environment),
    ctx.changes.createManifest(environment.id, { wrapped_key: ctx.sealing.newDataKey(environment.id) }),
  ]);
  if (outcome === "conflict") throw new Error(`environment ${environment.id} exists`);
}
