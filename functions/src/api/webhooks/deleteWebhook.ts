import type { ChoreCtx } from "../../domain/delivery/doChores.ts";
import * as webhooks from "../../domain/webhook/deleteWebhook.ts";
import { defineRoute } from "../../http/route.ts";

export const deleteWebhook = defineRoute({
  method: "DELETE",
  path: "/v1/project/{project_id}/webhooks/{webhook_id}",
  operationId: "deleteWebhook",
  fn: "webhooks",
  summary: "Delete a webhook",
  description:
    "Nothing more is sent to it, whatever was under way; its deliveries and attempts go with it. Twice is 404.",
  auth: ["firebase", "apiKey"],
  permission: "webhooks:write",
  scope: "project",
  audits: "webhook",
  finds: (ctx: ChoreCtx, { project_id, webhook_id }) => ctx.webhooks.get(project_id, webhook_id),
  status: 204,
  response: null,
  errors: [],
  async handle(ctx: ChoreCtx, { found }) {
    await webhooks.deleteWebhook(ctx, { webhook: found });
  },
});
