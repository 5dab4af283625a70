import type { Ctx } from "../context.ts";
import { notFound } from "../errors.ts";
import { newestFirst } from "../order.ts";
import type { Environment } from "./environment.ts";

/** An environment as its operator sees it: how many palms, and the master key that seals its data key. */
export interface EnvironmentState extends Environment {
  palms: number;
  /** null: the data key was destroyed. */
  kid: string | null;
}

/**
 * Every environment, or those of one organization.
 * @throws DomainError `not_found` for an organization that is none.
 */
export async function listEnvironments(
  ctx: Ctx<"organizations" | "environments" | "changes" | "palms">,
  { organization_id }: { organization_id?: string | undefined },
): Promise<EnvironmentState[]> {
  if (organization_id !== undefined && !(await ctx.organizations.get(organization_id))) {
    throw notFound(`organization ${organization_id}`);
  }
  const all = await ctx.environments.all();
  const wanted = all.filter(
    (one) => organization_id === undefined || one.organization_id === organization_id,
  );
  return Promise.all(
    newestFirst(wanted).map(async (environment) => {
      const [palms, manifest] = await Promise.all([
        ctx.palms.count(environment.id),
        ctx.changes.manifest(environment.id),
      ]);
      return { ...environment, palms, kid: manifest?.value.wrapped_key?.kid ?? null };
    }),
  );
}
