import type { Ctx } from "../../domain/context.ts";
import type { ChoreCtx } from "../../domain/delivery/doChores.ts";
import * as webhooks from "../../domain/webhook/updateWebhook.ts";
import { defineRoute } from "../../http/route.ts";
import { toWebhook, UpdateWebhookBody, WebhookShape } from "./schemas.ts";

export const updateWebhook = defineRoute({
  method: "PATCH",
  path: "/v1/project/{project_id}/webhooks/{webhook_id}",
  operationId: "updateWebhook",
  fn: "webhooks",
  summary: "Update a webhook",
  description:
    "Changes the fields that are named. While it is disabled deliveries wait, and new events are kept for " +
    "recoverDeliveries; enabling it goes on with what waited, and clears `disabled_reason`.",
  auth: ["firebase", "apiKey"],
  permission: "webhooks:write",
  scope: "project",
  audits: "webhook",
  finds: (ctx: ChoreCtx & Ctx<"outbound">, { project_id, webhook_id }) =>
    ctx.webhooks.get(project_id, webhook_id),
  body: UpdateWebhookBody,
  response: WebhookShape,
  errors: ["destination_not_allowed"],
  async handle(ctx: ChoreCtx & Ctx<"outbound">, { found, body }) {
    return toWebhook(await webhooks.updateWebhook(ctx, { webhook: found, fields: body }));
  },
});
