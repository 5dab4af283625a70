import type { Sent } from "./outbound.ts";
import type { DisabledReason, Webhook } from "./webhook.ts";

/** Without a success for so long a subscription is disabled: as long as an event is tried, never sooner. */
const FAILING_MS = 14 * 24 * 60 * 60_000;

/** So many attempts in a row that met a destination that is not allowed disable it. */
const BLOCKED = 3;

/** A subscription is written for its health at most so often while it is well, or flaps, in ms. */
const RARELY_MS = 60_000;

const GONE = 410;

/** What an attempt says of a subscription's health; the same object when there is nothing to write. */
export function afterAttempt(webhook: Webhook, { status_code, error }: Sent, now: Date): Webhook {
  if (!webhook.enabled) return webhook;
  if (status_code === GONE) return disabled(webhook, "gone", now);
  const blocked = error === "destination_not_allowed" ? webhook.blocked + 1 : 0;
  if (blocked >= BLOCKED) return disabled({ ...webhook, blocked }, "destination_not_allowed", now);
  const { last_success_at, first_failure_at } = webhook;
  const lately = last_success_at !== null && now.getTime() - last_success_at.getTime() < RARELY_MS;
  if (error === null) {
    if (lately && first_failure_at === null && webhook.blocked === 0) return webhook;
    return { ...webhook, last_success_at: now, first_failure_at: null, blocked };
  }
  if (first_failure_at && now.getTime() - first_failure_at.getTime() >= FAILING_MS) {
    return disabled({ ...webhook, blocked }, "failing", now);
  }
  // Right after a success it is the next failure that begins to count.
  const begins = first_failure_at === null && !lately;
  if (!begins && blocked === webhook.blocked) return webhook;
  return { ...webhook, blocked, first_failure_at: begins ? now : first_failure_at };
}

const disabled = (webhook: Webhook, disabled_reason: DisabledReason, now: Date): Webhook => ({
  ...webhook,
  enabled: false,
  disabled_reason,
  updated_at: now,
});
