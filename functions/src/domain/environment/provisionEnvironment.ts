import type { Ctx } from "../context.ts";
import { notFound } from "../errors.ts";
import { createEnvironment } from "./createEnvironment.ts";
import type { Environment } from "./environment.ts";

/**
 * A new environment of an organization that is there, and its data key.
 * @throws DomainError `not_found` for an organization that is none.
 */
export async function provisionEnvironment(
  ctx: Ctx<"organizations" | "environments" | "changes" | "sealing" | "commit">,
  input: Omit<Environment, "id" | "calibration" | "created_at">,
): Promise<Environment> {
  if (!(await ctx.organizations.get(input.organization_id))) {
    throw notFound(`organization ${input.organization_id}`);
  }
  const environment: Environment = { id: ctx.id(), ...input, calibration: null, created_at: ctx.now() };
  await createEnvironment(ctx, environment);
  return environment;
}
