import * as z from "zod";
import type { Ctx } from "../../domain/context.ts";
import * as deliveries from "../../domain/delivery/retryDelivery.ts";
import { defineRoute } from "../../http/route.ts";
import { DeliveryShape, toDelivery } from "./schemas.ts";

type RetryCtx = Ctx<"webhooks" | "deliveries" | "queue" | "commit">;

export const retryDelivery = defineRoute({
  method: "POST",
  path: "/v1/project/{project_id}/webhooks/{webhook_id}/deliveries/{delivery_id}/retry",
  operationId: "retryDelivery",
  fn: "webhooks",
  summary: "Retry a delivery",
  description:
    "One more attempt at once, also of what has arrived or failed; the schedule stays as it is. A delivery has at " +
    "most 100 attempts.",
  auth: ["firebase", "apiKey"],
  permission: "webhooks:write",
  scope: "project",
  idempotent: true,
  audits: "delivery",
  async finds(ctx: RetryCtx, { project_id, webhook_id, delivery_id }) {
    const [webhook, delivery] = await Promise.all([
      ctx.webhooks.get(project_id, webhook_id),
      ctx.deliveries.get({ project_id, webhook_id }, delivery_id),
    ]);
    return webhook && delivery && { webhook: webhook.value, delivery };
  },
  body: z.strictObject({}),
  status: 202,
  response: DeliveryShape,
  errors: ["conflict", "limit_reached"],
  answers: toDelivery,
  async handle(ctx: RetryCtx, { found }) {
    return deliveries.retryDelivery(ctx, found);
  },
});
