import { AGAIN, changeStored } from "../change.ts";
import type { Ctx } from "../context.ts";
import { DomainError } from "../errors.ts";
import type { Stored } from "../store.ts";
import { type ApiKey, hasEnded, type NewApiKey } from "./apikey.ts";
import { makeApiKey, recordOf } from "./createApiKey.ts";

/**
 * A new key in place of another, with its projects, permissions and expiry; the old one works until the grace is over.
 * @throws DomainError `conflict` for a key that was revoked or rotated before, or has expired.
 */
export function rotateApiKey(
  ctx: Ctx<"apiKeys" | "commit">,
  input: { key: Stored<ApiKey>; user_id: string; grace_seconds: number },
): Promise<NewApiKey> {
  const read = () => ctx.apiKeys.get(input.key.value.id);
  return changeStored(ctx, input.key, read, async (was) => {
    if (was.value.revoked_at) throw new DomainError("conflict", "The key was revoked or rotated before.");
    if (hasEnded(was.value, ctx.now())) throw new DomainError("conflict", "The key has expired.");
    const result = makeApiKey(ctx, { ...was.value, user_id: input.user_id });
    const revoked_at = new Date(result.created_at.getTime() + input.grace_seconds * 1000);
    const writes = [
      ctx.apiKeys.create(recordOf(result)),
      ctx.apiKeys.replace(was, { ...was.value, revoked_at }),
    ];
    const outcome = await ctx.commit(writes, { target: { type: "api_key", id: was.value.id }, result });
    return outcome === "committed" ? result : AGAIN;
  });
}
