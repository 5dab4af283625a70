import * as z from "zod";
import { type Attempt, DELIVERY_STATUSES, type Delivery } from "../../domain/delivery/delivery.ts";
import { EVENT_TYPES } from "../../domain/event/event.ts";
import { ATTEMPT_ERRORS } from "../../domain/webhook/outbound.ts";
import {
  DISABLED_REASONS,
  SUBSCRIBABLE,
  type Webhook,
  type WithSecret,
} from "../../domain/webhook/webhook.ts";
import { patchOf, text, time, toTime, toTimeOrNull, uuid } from "../fields.ts";

export const WebhookShape = z
  .strictObject({
    id: uuid,
    project_id: uuid,
    url: z.string().meta({ description: "In canonical form (WHATWG URL)." }),
    event_types: z.array(z.enum(SUBSCRIBABLE)),
    enabled: z.boolean(),
    description: z.string().nullable(),
    disabled_reason: z.enum(DISABLED_REASONS).nullable().meta({
      description:
        "Why it was disabled, unless you did it: it answered 410, failed for 14 days, leads astray.",
    }),
    created_at: time,
    updated_at: time,
  })
  .meta({ id: "Webhook" });

export const WebhookWithSecretShape = WebhookShape.extend({
  secret: z.string().meta({ description: "What signatures are made with. Shown in this answer only." }),
}).meta({ id: "WebhookWithSecret" });

const fields = {
  // Whatever is no allowed destination is refused as such, be it a URL or not.
  url: z.string().max(2048, "is longer than 2048 characters"),
  event_types: z
    .array(z.enum(SUBSCRIBABLE))
    .min(1)
    .max(SUBSCRIBABLE.length)
    .superRefine((types, context) => {
      for (const [index, type] of types.entries()) {
        if (types.indexOf(type) === index) continue;
        context.addIssue({ code: "custom", path: [index], message: "is in the list already" });
      }
    })
    .meta({ uniqueItems: true }),
  enabled: z.boolean(),
  description: text(500).nullable(),
};

export const CreateWebhookBody = z
  .strictObject({
    url: fields.url,
    event_types: fields.event_types,
    enabled: fields.enabled.default(true),
    description: fields.description.default(null),
  })
  .meta({ id: "CreateWebhook" });

export const UpdateWebhookBody = patchOf("UpdateWebhook", {
  url: fields.url.optional(),
  event_types: fields.event_types.optional(),
  enabled: fields.enabled.optional(),
  description: fields.description.optional(),
});

export function toWebhook(webhook: Webhook): z.infer<typeof WebhookShape> {
  return {
    id: webhook.id,
    project_id: webhook.project_id,
    url: webhook.url,
    event_types: [...webhook.event_types],
    enabled: webhook.enabled,
    description: webhook.description,
    disabled_reason: webhook.disabled_reason,
    created_at: toTime(webhook.created_at),
    updated_at: toTime(webhook.updated_at),
  };
}

/** A subscription with its secret: the one time that it is shown. */
export const toWebhookWithSecret = ({
  webhook,
  secret,
}: WithSecret): z.infer<typeof WebhookWithSecretShape> => ({
  ...toWebhook(webhook),
  secret,
});

export const AttemptShape = z
  .strictObject({
    attempt: z.int().min(1),
    started_at: time,
    duration_ms: z.int().min(0),
    status_code: z.int().nullable(),
    response_body: z.string().nullable(),
    response_truncated: z.boolean(),
    error: z.enum(ATTEMPT_ERRORS).nullable(),
    url: z.string(),
  })
  .meta({ id: "Attempt" });

export const toAttempt = ({ started_at, ...attempt }: Attempt): z.infer<typeof AttemptShape> => ({
  ...attempt,
  started_at: toTime(started_at),
});

export const DeliveryShape = z
  .strictObject({
    id: uuid,
    webhook_id: uuid,
    event_id: uuid,
    event_type: z.enum(EVENT_TYPES),
    status: z.enum(DELIVERY_STATUSES),
    attempt_count: z.int().min(0),
    attempts: z.array(AttemptShape).meta({
      description:
        "Oldest first, `response_body` cut at 1,024 characters; listAttempts has all that is kept.",
    }),
    next_attempt_at: time.nullable(),
    last_status_code: z.int().nullable(),
    error: z.enum([...ATTEMPT_ERRORS, "subscription_disabled"]).nullable(),
    created_at: time,
    completed_at: time.nullable(),
  })
  .meta({ id: "Delivery" });

export function toDelivery(delivery: Delivery): z.infer<typeof DeliveryShape> {
  return {
    id: delivery.id,
    webhook_id: delivery.webhook_id,
    event_id: delivery.event_id,
    event_type: delivery.event_type,
    status: delivery.status,
    attempt_count: delivery.attempt_count,
    attempts: delivery.attempts.map(toAttempt),
    // An attempt that was asked for by hand is the next one.
    next_attempt_at: toTimeOrNull(delivery.manual_at ?? delivery.next_attempt_at),
    last_status_code: delivery.last_status_code,
    error: delivery.error,
    created_at: toTime(delivery.created_at),
    completed_at: toTimeOrNull(delivery.completed_at),
  };
}

const envelope = { event_id: uuid, timestamp: time, project_id: uuid };

const eventOf = <Type extends (typeof EVENT_TYPES)[number], Data extends z.ZodRawShape>(
  id: string,
  type: Type,
  data: Data,
) =>
  z
    .strictObject({
      event_id: envelope.event_id,
      event_type: z.literal(type),
      timestamp: envelope.timestamp,
      project_id: envelope.project_id,
      data: z.strictObject({ event_type: z.literal(type), ...data }),
    })
    .meta({ id });

export const EnrollmentCompleted = eventOf("EnrollmentCompleted", "enrollment.completed", {
  session_id: uuid.nullable(),
  member_id: uuid.nullable(),
  device_id: uuid.nullable(),
  completed_at: time,
});

export const DemoScanSuccess = eventOf("DemoScanSuccess", "demo.scan.success", {
  scan_id: uuid,
  device_id: uuid,
  member_id: uuid.nullable(),
  scanned_at: time,
});

export const TestEvent = eventOf("WebhookTestEvent", "webhook.test", { test_id: uuid });

const WebhookDisabled = eventOf("WebhookDisabled", "webhook.disabled", {
  webhook_id: uuid,
  reason: z.enum(DISABLED_REASONS),
  disabled_at: time,
});

/** What webhooks are sent, and listEvents lists. */
export const EventShape = z
  .discriminatedUnion("event_type", [EnrollmentCompleted, DemoScanSuccess, TestEvent, WebhookDisabled])
  .meta({ id: "Event" });
