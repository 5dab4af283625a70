import * as z from "zod";
import type { Ctx } from "../../domain/context.ts";
import * as webhooks from "../../domain/webhook/testWebhook.ts";
import { defineRoute } from "../../http/route.ts";
import { uuid } from "../fields.ts";

type TestCtx = Ctx<"webhooks" | "events" | "deliveries" | "schedule" | "queue" | "commit">;

export const testWebhook = defineRoute({
  method: "POST",
  path: "/v1/project/{project_id}/webhooks/{webhook_id}/test",
  operationId: "testWebhook",
  fn: "webhooks",
  summary: "Send a test event",
  description:
    "Sends an event `webhook.test` to this subscription, whatever it is subscribed to; getting it wrong does not " +
    "count against its endpoint.",
  auth: ["firebase", "apiKey"],
  permission: "webhooks:write",
  scope: "project",
  idempotent: true,
  audits: "webhook",
  finds: (ctx: TestCtx, { project_id, webhook_id }) => ctx.webhooks.get(project_id, webhook_id),
  body: z.strictObject({}),
  status: 202,
  response: z.strictObject({ event_id: uuid, test_id: uuid, delivery_id: uuid }).meta({ id: "WebhookTest" }),
  errors: ["conflict"],
  async handle(ctx: TestCtx, { found }) {
    return webhooks.testWebhook(ctx, { webhook: found.value });
  },
});
