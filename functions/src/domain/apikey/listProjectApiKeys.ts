import type { Ctx } from "../context.ts";
import { newestFirst } from "../order.ts";
import type { Project } from "../project/project.ts";
import { type ApiKey, hasEnded } from "./apikey.ts";

/** The keys that open a project now: of its whole organization or scoped to it, neither revoked nor expired. */
export async function listProjectApiKeys(
  ctx: Ctx<"apiKeys">,
  input: { project: Project },
): Promise<ApiKey[]> {
  const keys = await ctx.apiKeys.ofOrganization(input.project.organization_id);
  const now = ctx.now();
  return newestFirst(
    keys.filter(
      (key) =>
        (key.project_ids === null || key.project_ids.includes(input.project.id)) && !hasEnded(key, now),
    ),
  );
}
