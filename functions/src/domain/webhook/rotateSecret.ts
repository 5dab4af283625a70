import { AGAIN, changeStored } from "../change.ts";
import type { Ctx } from "../context.ts";
import type { Stored } from "../store.ts";
import { newSecret } from "./signature.ts";
import type { Webhook, WithSecret } from "./webhook.ts";

/**
 * A new secret in place of the present one, which signs too until the grace is over; the one before that no more.
 * @throws DomainError `not_found` when the subscription was deleted meanwhile.
 */
export function rotateSecret(
  ctx: Ctx<"webhooks" | "secrets" | "commit">,
  input: { webhook: Stored<Webhook>; grace_seconds: number },
): Promise<WithSecret> {
  const { project_id, id } = input.webhook.value;
  const secret = newSecret();
  const read = () => ctx.webhooks.get(project_id, id);
  return changeStored(ctx, input.webhook, read, async (was) => {
    const updated_at = ctx.now();
    const until = new Date(updated_at.getTime() + input.grace_seconds * 1000);
    const webhook: Webhook = {
      ...was.value,
      secret: ctx.secrets.seal(was.value, secret),
      old_secret: input.grace_seconds > 0 ? { ...was.value.secret, until } : null,
      updated_at,
    };
    const result: WithSecret = { webhook, secret };
    const outcome = await ctx.commit([ctx.webhooks.replace(was, webhook)], {
      target: { type: "webhook", id },
      result,
    });
    return outcome === "committed" ? result : AGAIN;
  });
}
