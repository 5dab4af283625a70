import { AGAIN, changeStored } from "../change.ts";
import type { Ctx } from "../context.ts";
import { type ChoreCtx, doChoresSoon } from "../delivery/doChores.ts";
import type { Stored } from "../store.ts";
import { notAllowed, type WebhookFields } from "./createWebhook.ts";
import type { Webhook } from "./webhook.ts";

/** What changes of a subscription; what is absent stays. */
export type WebhookChanges = { [K in keyof WebhookFields]?: WebhookFields[K] | undefined };

/**
 * Changes the fields that are named. Enabling forgives what disabled it, and goes on with what waited.
 * @throws DomainError `destination_not_allowed`, `not_found` when it was deleted meanwhile.
 */
export async function updateWebhook(
  ctx: ChoreCtx & Ctx<"outbound">,
  input: { webhook: Stored<Webhook>; fields: WebhookChanges },
): Promise<Webhook> {
  const { project_id, id } = input.webhook.value;
  const fields = { ...input.fields };
  if (fields.url !== undefined) {
    fields.url = await ctx.outbound.check(fields.url);
    if (fields.url === undefined) throw notAllowed();
  }
  const read = () => ctx.webhooks.get(project_id, id);
  const webhook = await changeStored(ctx, input.webhook, read, async (was) => {
    const now = afterUpdate(was.value, fields, ctx.now());
    const outcome = await ctx.commit([ctx.webhooks.replace(was, now)], { target: { type: "webhook", id } });
    return outcome === "committed" ? now : AGAIN;
  });
  if (webhook.chores.resume) await doChoresSoon(ctx, webhook);
  return webhook;
}

function afterUpdate(was: Webhook, fields: WebhookChanges, updated_at: Date): Webhook {
  const now = { ...was, ...fields, updated_at } as Webhook;
  const fresh = { disabled_reason: null, first_failure_at: null, blocked: 0 };
  const moved = now.url !== was.url ? { first_failure_at: null, blocked: 0 } : {};
  if (fields.enabled === undefined) return { ...now, ...moved };
  if (!now.enabled) return { ...now, ...moved, disabled_reason: was.enabled ? null : was.disabled_reason };
  return {
    ...now,
    ...fresh,
    chores: { ...was.chores, resume: was.enabled ? was.chores.resume : updated_at },
  };
}
