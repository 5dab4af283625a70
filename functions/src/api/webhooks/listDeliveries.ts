import * as z from "zod";
import type { Ctx } from "../../domain/context.ts";
import { DELIVERY_STATUSES } from "../../domain/delivery/delivery.ts";
import { EVENT_TYPES } from "../../domain/event/event.ts";
import { pageQuery, pageShape, readPage } from "../../http/page.ts";
import { rangeQuery, readRange } from "../../http/range.ts";
import { defineRoute } from "../../http/route.ts";
import { DeliveryShape, toDelivery } from "./schemas.ts";

export const listDeliveries = defineRoute({
  method: "GET",
  path: "/v1/project/{project_id}/webhooks/{webhook_id}/deliveries",
  operationId: "listDeliveries",
  fn: "webhooks",
  summary: "List deliveries",
  description: "What was sent to the subscription in a range, or will be, newest first; kept for 30 days.",
  auth: ["firebase", "apiKey"],
  permission: "webhooks:read",
  scope: "project",
  finds: (ctx: Ctx<"webhooks" | "deliveries">, { project_id, webhook_id }) =>
    ctx.webhooks.get(project_id, webhook_id),
  query: z.strictObject({
    ...rangeQuery,
    ...pageQuery(1000),
    status: z.enum(DELIVERY_STATUSES).optional(),
    event_type: z.enum(EVENT_TYPES).optional(),
  }),
  response: pageShape(DeliveryShape).meta({ id: "DeliveryPage" }),
  errors: [],
  async handle(ctx: Ctx<"webhooks" | "deliveries">, { params, query }) {
    const range = readRange(query, ctx.now());
    return readPage(ctx.deliveries.ofWebhook(params, range, query), query, toDelivery, range);
  },
});
