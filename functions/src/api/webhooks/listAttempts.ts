import * as z from "zod";
import type { Ctx } from "../../domain/context.ts";
import { defineRoute } from "../../http/route.ts";
import { streamArray } from "../../http/stream.ts";
import { AttemptShape, toAttempt } from "./schemas.ts";

export const listAttempts = defineRoute({
  method: "GET",
  path: "/v1/project/{project_id}/webhooks/{webhook_id}/deliveries/{delivery_id}/attempts",
  operationId: "listAttempts",
  fn: "webhooks",
  summary: "List a delivery's attempts",
  description:
    "Every attempt, oldest first, with up to 100 KB of what was answered; an array that is streamed: without its `]` " +
    "it is incomplete.",
  auth: ["firebase", "apiKey"],
  permission: "webhooks:read",
  scope: "project",
  async finds(ctx: Ctx<"webhooks" | "deliveries">, { project_id, webhook_id, delivery_id }) {
    const [webhook, delivery] = await Promise.all([
      ctx.webhooks.get(project_id, webhook_id),
      ctx.deliveries.get({ project_id, webhook_id }, delivery_id),
    ]);
    return webhook && delivery && { webhook: webhook.value, delivery };
  },
  response: z.array(AttemptShape),
  errors: [],
  async handle(ctx: Ctx<"webhooks" | "deliveries">, { found }) {
    return streamArray(AttemptShape, ctx.deliveries.attempts(found.delivery.value), toAttempt);
  },
});
