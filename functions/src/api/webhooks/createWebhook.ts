import type { Ctx } from "../../domain/context.ts";
import * as webhooks from "../../domain/webhook/createWebhook.ts";
import { defineRoute } from "../../http/route.ts";
import { CreateWebhookBody, toWebhookWithSecret, WebhookWithSecretShape } from "./schemas.ts";

export const createWebhook = defineRoute({
  method: "POST",
  path: "/v1/project/{project_id}/webhooks",
  operationId: "createWebhook",
  fn: "webhooks",
  summary: "Create a webhook",
  description:
    "Subscribes a URL to events of the project; `secret`, which signs them, is in this answer only. The URL is https " +
    "on port 443 or one from 1024, and leads to a public address. A project has at most 25.",
  auth: ["firebase", "apiKey"],
  permission: "webhooks:write",
  scope: "project",
  idempotent: true,
  audits: "webhook",
  body: CreateWebhookBody,
  status: 201,
  response: WebhookWithSecretShape,
  errors: ["limit_reached", "destination_not_allowed"],
  answers: toWebhookWithSecret,
  async handle(ctx: Ctx<"webhooks" | "outbound" | "secrets" | "commit">, { project, body }) {
    return webhooks.createWebhook(ctx, { project_id: project.id, fields: body });
  },
});
