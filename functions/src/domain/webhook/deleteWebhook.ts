import { AGAIN, changeStored } from "../change.ts";
import { type ChoreCtx, doChoresSoon } from "../delivery/doChores.ts";
import type { Stored } from "../store.ts";
import { NO_CHORES, type Webhook } from "./webhook.ts";

/**
 * Deletes a subscription: from here on nobody finds it, and nothing is sent to it. Its history goes with it, what is
 * long by the sweeper.
 * @throws DomainError `not_found` when somebody else was first.
 */
export async function deleteWebhook(ctx: ChoreCtx, input: { webhook: Stored<Webhook> }): Promise<void> {
  const { project_id, id } = input.webhook.value;
  const read = () => ctx.webhooks.get(project_id, id);
  const deleted = await changeStored(ctx, input.webhook, read, async (was) => {
    const now = { ...was.value, chores: { ...NO_CHORES, remove: true } };
    const outcome = await ctx.commit([ctx.webhooks.replace(was, now), ctx.webhooks.freeSlot(was.value)], {
      target: { type: "webhook", id },
    });
    return outcome === "committed" ? now : AGAIN;
  });
  await doChoresSoon(ctx, deleted);
}
