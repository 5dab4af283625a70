import type { Ctx } from "../context.ts";
import { newestFirst } from "../order.ts";
import type { Project } from "../project/project.ts";
import type { ApiKey } from "./apikey.ts";

/** The keys that open a project now: of its whole organization or scoped to it, not revoked. */
export async function listProjectApiKeys(
  ctx: Ctx<"apiKeys">,
  input: { project: Project },
): Promise<ApiKey[]> {
  const keys = await ctx.apiKeys.ofOrganization(input.project.organization_id);
  const now = ctx.now();
  return newestFirst(
    keys.filter(
      ({ project_ids, revoked_at }) =>
        (project_ids === null || project_ids.includes(input.project.id)) &&
        (revoked_at === null || revoked_at > now),
    ),
  );
}
