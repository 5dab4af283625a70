import { AGAIN, change } from "../change.ts";
import type { Ctx } from "../context.ts";
import { newKey } from "../credential/key.ts";
import { hashCode, newCode } from "./code.ts";
import { CODE_MS, type Registration } from "./registration.ts";

/** What a terminal shows, and asks with; neither is stored. */
export interface Started {
  code: string;
  claim_token: string;
  expires_at: Date;
}

/**
 * Gives a terminal out of its box a code that no other one has, and the token that it asks with.
 * @param draw makes a code; random unless a test draws.
 */
export function startRegistration(
  ctx: Ctx<"registrations" | "commit">,
  input: Pick<Registration, "app_version" | "model">,
  draw: () => string = newCode,
): Promise<Started> {
  const id = ctx.id();
  const { key: claim_token, secret_hash } = newKey("pt", id);
  const created_at = ctx.now();
  const expires_at = new Date(created_at.getTime() + CODE_MS);
  return change(ctx, async () => {
    const code = draw();
    const code_hash = hashCode(code);
    const registration = { ...input, id, code_hash, secret_hash, created_at, expires_at, registered: null };
    const outcome = await ctx.commit([
      ctx.registrations.create(registration),
      ctx.registrations.claimCode(registration),
    ]);
    return outcome === "committed" ? { code, claim_token, expires_at } : AGAIN;
  });
}
