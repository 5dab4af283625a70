import { AGAIN, change } from "../change.ts";
import type { Ctx } from "../context.ts";
import { notFound } from "../errors.ts";
import type { Stored } from "../store.ts";
import type { ApiKey } from "./apikey.ts";

/** Revokes a key now; it is refused from the next request on. Revoking twice changes nothing. */
export function revokeApiKey(ctx: Ctx<"apiKeys" | "commit">, input: { key: Stored<ApiKey> }): Promise<void> {
  let was = input.key;
  return change(ctx, async () => {
    const { id, revoked_at } = was.value;
    const now = ctx.now();
    if (revoked_at && revoked_at <= now) return;
    const outcome = await ctx.commit([ctx.apiKeys.replace(was, { ...was.value, revoked_at: now })]);
    if (outcome === "committed") return;
    const current = await ctx.apiKeys.get(id);
    if (!current) throw notFound();
    was = current;
    return AGAIN;
  });
}
