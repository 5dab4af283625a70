import * as z from "zod";
import type { Ctx } from "../../domain/context.ts";
import * as webhooks from "../../domain/webhook/rotateSecret.ts";
import { defineRoute } from "../../http/route.ts";
import { graceSeconds } from "../fields.ts";
import { toWebhookWithSecret, WebhookWithSecretShape } from "./schemas.ts";

type RotateCtx = Ctx<"webhooks" | "secrets" | "commit">;

export const rotateWebhookSecret = defineRoute({
  method: "POST",
  path: "/v1/project/{project_id}/webhooks/{webhook_id}/rotate-secret",
  operationId: "rotateWebhookSecret",
  fn: "webhooks",
  summary: "Rotate a webhook's secret",
  description:
    "Makes a new secret, shown in this answer only. For `grace_seconds` (a day unless given) the old one signs too: " +
    "`webhook-signature` carries both, `X-Webhook-Signature` the old one's. Rotating again ends the one before that.",
  auth: ["firebase", "apiKey"],
  permission: "webhooks:write",
  scope: "project",
  idempotent: true,
  audits: "webhook",
  finds: (ctx: RotateCtx, { project_id, webhook_id }) => ctx.webhooks.get(project_id, webhook_id),
  body: z.strictObject({ grace_seconds: graceSeconds }).meta({ id: "RotateWebhookSecret" }),
  response: WebhookWithSecretShape,
  errors: [],
  answers: toWebhookWithSecret,
  async handle(ctx: RotateCtx, { found, body }) {
    return webhooks.rotateSecret(ctx, { webhook: found, ...body });
  },
});
