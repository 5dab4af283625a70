import { AGAIN, changeStored } from "../change.ts";
import type { Stored } from "../store.ts";
import type { Webhook } from "../webhook/webhook.ts";
import { placeOf } from "./delivery.ts";
import { type ChoreCtx, doChoresSoon } from "./doChores.ts";
import { refuseDisabled } from "./retryDelivery.ts";

/**
 * Sends again what has failed since a moment, what happened while the subscription was disabled included: each
 * begins its schedule anew. The work is written down as a chore, so that it is done whoever dies.
 * @returns how many deliveries that are
 * @throws DomainError `conflict` while the subscription is disabled.
 */
export async function recoverDeliveries(
  ctx: ChoreCtx,
  input: { webhook: Stored<Webhook>; since: Date },
): Promise<{ deliveries: number }> {
  const { project_id, id } = input.webhook.value;
  const read = () => ctx.webhooks.get(project_id, id);
  const { result, webhook } = await changeStored(ctx, input.webhook, read, async (was) => {
    refuseDisabled(was.value);
    const asked_at = ctx.now();
    const time = { from: input.since, to: asked_at };
    const deliveries = await ctx.deliveries.countFailed(placeOf(was.value), time);
    const result = { deliveries };
    // A chore that is not done yet is part of a greater one.
    const earlier = was.value.chores.recover?.since;
    const since = earlier && earlier < input.since ? earlier : input.since;
    const chores = { ...was.value.chores, recover: { since, asked_at } };
    const webhook = { ...was.value, chores };
    const outcome = await ctx.commit([ctx.webhooks.replace(was, webhook)], {
      target: { type: "webhook", id },
      result,
    });
    return outcome === "committed" ? { result, webhook } : AGAIN;
  });
  await doChoresSoon(ctx, webhook);
  return result;
}
