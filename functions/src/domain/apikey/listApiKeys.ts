import type { Ctx } from "../context.ts";
import { newestFirst } from "../order.ts";
import type { ApiKey } from "./apikey.ts";

/** All keys of an organization, revoked ones included. */
export async function listApiKeys(
  ctx: Ctx<"apiKeys">,
  input: { organization_id: string },
): Promise<ApiKey[]> {
  return newestFirst(await ctx.apiKeys.ofOrganization(input.organization_id));
}
