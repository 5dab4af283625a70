import { AGAIN, changeStored } from "../change.ts";
import type { Ctx } from "../context.ts";
import type { Stored } from "../store.ts";
import type { ApiKey } from "./apikey.ts";

/** Revokes a key now; it is refused from the next request on. Revoking twice changes nothing. */
export function revokeApiKey(ctx: Ctx<"apiKeys" | "commit">, input: { key: Stored<ApiKey> }): Promise<void> {
  const read = () => ctx.apiKeys.get(input.key.value.id);
  return changeStored(ctx, input.key, read, async (was) => {
    const { revoked_at } = was.value;
    const now = ctx.now();
    if (revoked_at && revoked_at <= now) return undefined;
    const outcome = await ctx.commit([ctx.apiKeys.replace(was, { ...was.value, revoked_at: now })], {
      target: { type: "api_key", id: was.value.id },
    });
    return outcome === "committed" ? undefined : AGAIN;
  });
}
