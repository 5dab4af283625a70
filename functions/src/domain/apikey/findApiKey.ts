import type { Ctx } from "../context.ts";
import type { Stored } from "../store.ts";
import type { ApiKey } from "./apikey.ts";

/** A key of the organization; `undefined` for one that is missing or another's. */
export async function findApiKey(
  ctx: Ctx<"apiKeys">,
  input: { organization_id: string; key_id: string },
): Promise<Stored<ApiKey> | undefined> {
  const stored = await ctx.apiKeys.get(input.key_id);
  return stored?.value.organization_id === input.organization_id ? stored : undefined;
}
