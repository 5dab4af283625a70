import type { Ctx } from "../../domain/context.ts";
import { defineRoute } from "../../http/route.ts";
import { toWebhook, WebhookShape } from "./schemas.ts";

export const getWebhook = defineRoute({
  method: "GET",
  path: "/v1/project/{project_id}/webhooks/{webhook_id}",
  operationId: "getWebhook",
  fn: "webhooks",
  summary: "Get a webhook",
  description: "One subscription of the project; never its secret.",
  auth: ["firebase", "apiKey"],
  permission: "webhooks:read",
  scope: "project",
  finds: (ctx: Ctx<"webhooks">, { project_id, webhook_id }) => ctx.webhooks.get(project_id, webhook_id),
  response: WebhookShape,
  errors: [],
  async handle(_ctx, { found }) {
    return toWebhook(found.value);
  },
});
