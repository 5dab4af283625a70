import { AGAIN, change } from "../change.ts";
import type { Ctx } from "../context.ts";
import { notFound } from "../errors.ts";
import { findApiKey } from "./findApiKey.ts";

/**
 * Revokes a key now; it is refused from the next request on. Revoking twice changes nothing.
 * @throws DomainError `not_found` for a key that is missing or another organization's.
 */
export function revokeApiKey(
  ctx: Ctx<"apiKeys" | "commit">,
  input: { organization_id: string; key_id: string },
): Promise<void> {
  return change(ctx, async () => {
    const stored = await findApiKey(ctx, input);
    if (!stored) throw notFound();
    const { revoked_at } = stored.value;
    const now = ctx.now();
    if (revoked_at && revoked_at <= now) return;
    const outcome = await ctx.commit([ctx.apiKeys.replace(stored, { ...stored.value, revoked_at: now })]);
    return outcome === "conflict" ? AGAIN : undefined;
  });
}
