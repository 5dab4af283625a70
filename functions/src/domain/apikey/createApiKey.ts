import type { Ctx } from "../context.ts";
import { newKey } from "../credential/key.ts";
import { DomainError, invalid, unavailable } from "../errors.ts";
import type { ApiKey, NewApiKey } from "./apikey.ts";

/** Whose key it will be, what it opens, what it may do and until when. */
type Wanted = Pick<ApiKey, "organization_id" | "name" | "project_ids" | "permissions" | "expires_at"> & {
  user_id: string;
};

/**
 * A new key of an organization; `key` is in this answer only.
 * @throws DomainError `invalid_request` naming each project that is not the organization's, or `expires_at` when it is
 * not in the future.
 */
export async function createApiKey(
  ctx: Ctx<"apiKeys" | "projects" | "commit">,
  input: Wanted,
): Promise<NewApiKey> {
  await refuseForeignProjects(ctx, input.organization_id, input.project_ids ?? []);
  return storeApiKey(ctx, input);
}

/** The same where the projects are known to be the organization's. */
export async function storeApiKey(ctx: Ctx<"apiKeys" | "commit">, input: Wanted): Promise<NewApiKey> {
  if (input.expires_at && input.expires_at <= ctx.now()) throw invalid("expires_at", "must be in the future");
  const result = makeApiKey(ctx, input);
  const outcome = await ctx.commit([ctx.apiKeys.create(recordOf(result))], {
    target: { type: "api_key", id: result.id },
    result,
  });
  if (outcome === "conflict") throw unavailable();
  return result;
}

/** A key that is not stored yet. */
export function makeApiKey(ctx: Ctx, input: Wanted): NewApiKey {
  const id = ctx.id();
  return {
    id,
    organization_id: input.organization_id,
    name: input.name,
    created_by_user_id: input.user_id,
    project_ids: input.project_ids,
    permissions: input.permissions,
    created_at: ctx.now(),
    expires_at: input.expires_at,
    last_used_at: null,
    revoked_at: null,
    ...newKey("pg", id),
  };
}

/** What is stored of it: not the key. */
export const recordOf = ({ key: _, ...record }: NewApiKey): ApiKey => record;

async function refuseForeignProjects(
  ctx: Ctx<"projects">,
  organization_id: string,
  project_ids: readonly string[],
): Promise<void> {
  if (project_ids.length === 0) return;
  const projects = await ctx.projects.getMany(project_ids);
  const own = new Set(projects.filter((p) => p.organization_id === organization_id).map(({ id }) => id));
  const errors = project_ids.flatMap((id, index) =>
    own.has(id) ? [] : [{ path: `project_ids.${index}`, message: "is no project of this organization" }],
  );
  if (errors.length > 0) throw new DomainError("invalid_request", "The request is not valid.", { errors });
}
