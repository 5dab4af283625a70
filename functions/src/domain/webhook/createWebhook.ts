import { AGAIN, change } from "../change.ts";
import type { Ctx } from "../context.ts";
import { DomainError } from "../errors.ts";
import { newSecret } from "./signature.ts";
import { MAX_WEBHOOKS, NO_CHORES, type Subscribable, type Webhook, type WithSecret } from "./webhook.ts";

/** What a customer says of a subscription. */
export interface WebhookFields {
  url: string;
  event_types: readonly Subscribable[];
  enabled: boolean;
  description: string | null;
}

type CreateCtx = Ctx<"webhooks" | "outbound" | "secrets" | "commit">;

/**
 * A new subscription of a project; its secret is in this answer only.
 * @throws DomainError `limit_reached` when the project has 25, `destination_not_allowed`.
 */
export async function createWebhook(
  ctx: CreateCtx,
  input: { project_id: string; fields: WebhookFields },
): Promise<WithSecret> {
  const { project_id, fields } = input;
  const [free, url] = await Promise.all([freeSlots(ctx, project_id), ctx.outbound.check(fields.url)]);
  if (free.length === 0) throw full();
  if (url === undefined) throw notAllowed();

  const id = ctx.id();
  const secret = newSecret();
  const now = ctx.now();
  const made: Omit<Webhook, "slot"> = {
    id,
    project_id,
    ...fields,
    url,
    disabled_reason: null,
    secret: ctx.secrets.seal({ id, project_id }, secret),
    old_secret: null,
    created_at: now,
    updated_at: now,
    last_success_at: null,
    first_failure_at: null,
    blocked: 0,
    chores: NO_CHORES,
  };
  let slots = free;
  return change(ctx, async () => {
    // Any of them: those who come at once shall not all want the same.
    const slot = slots[Math.floor(ctx.random() * slots.length)];
    if (slot === undefined) throw full();
    const webhook: Webhook = { ...made, slot };
    const result: WithSecret = { webhook, secret };
    const outcome = await ctx.commit([ctx.webhooks.create(webhook), ctx.webhooks.takeSlot(webhook)], {
      target: { type: "webhook", id },
      result,
    });
    if (outcome === "committed") return result;
    const [own, now] = await Promise.all([ctx.webhooks.get(project_id, id), freeSlots(ctx, project_id)]);
    // Our own commit may have taken effect unheard, and met itself.
    if (own) return { webhook: own.value, secret };
    slots = now;
    return AGAIN;
  });
}

async function freeSlots(ctx: Ctx<"webhooks">, project_id: string): Promise<number[]> {
  const taken = await ctx.webhooks.slots(project_id);
  return Array.from({ length: MAX_WEBHOOKS }, (_, slot) => slot).filter((slot) => !taken.includes(slot));
}

const full = (): DomainError =>
  new DomainError("limit_reached", `A project has at most ${MAX_WEBHOOKS} webhooks.`);

/** The same words whatever the reason: others would tell what is behind our walls. */
export const notAllowed = (): DomainError =>
  new DomainError("destination_not_allowed", "Webhooks cannot be sent to this URL.");
