import * as z from "zod";
import type { Ctx } from "../../domain/context.ts";
import { newestFirst } from "../../domain/order.ts";
import { defineRoute } from "../../http/route.ts";
import { toWebhook, WebhookShape } from "./schemas.ts";

export const listWebhooks = defineRoute({
  method: "GET",
  path: "/v1/project/{project_id}/webhooks",
  operationId: "listWebhooks",
  fn: "webhooks",
  summary: "List webhooks",
  description: "The project's subscriptions, newest first; never their secrets.",
  auth: ["firebase", "apiKey"],
  permission: "webhooks:read",
  scope: "project",
  response: z.array(WebhookShape),
  errors: [],
  async handle(ctx: Ctx<"webhooks">, { project }) {
    return newestFirst(await ctx.webhooks.ofProject(project.id)).map(toWebhook);
  },
});
