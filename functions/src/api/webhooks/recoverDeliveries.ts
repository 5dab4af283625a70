import * as z from "zod";
import type { ChoreCtx } from "../../domain/delivery/doChores.ts";
import * as deliveries from "../../domain/delivery/recoverDeliveries.ts";
import { invalid } from "../../domain/errors.ts";
import { defineRoute } from "../../http/route.ts";
import { moment } from "../../http/time.ts";

const DAYS = 14;

export const recoverDeliveries = defineRoute({
  method: "POST",
  path: "/v1/project/{project_id}/webhooks/{webhook_id}/recover",
  operationId: "recoverDeliveries",
  fn: "webhooks",
  summary: "Send again what has failed",
  description:
    "Restarts the schedule of every failed delivery created since then, including those made while the subscription " +
    "was disabled. At most 14 days back.",
  auth: ["firebase", "apiKey"],
  permission: "webhooks:write",
  scope: "project",
  idempotent: true,
  audits: "webhook",
  finds: (ctx: ChoreCtx, { project_id, webhook_id }) => ctx.webhooks.get(project_id, webhook_id),
  body: z.strictObject({ since: moment }).meta({ id: "RecoverDeliveries" }),
  status: 202,
  response: z.strictObject({ deliveries: z.int().min(0) }).meta({ id: "Recovery" }),
  errors: ["conflict"],
  async handle(ctx: ChoreCtx, { found, body: { since } }) {
    const age = ctx.now().getTime() - since.getTime();
    if (age > DAYS * 24 * 60 * 60_000) throw invalid("since", `is more than ${DAYS} days back`);
    if (age < 0) throw invalid("since", "lies ahead");
    return deliveries.recoverDeliveries(ctx, { webhook: found, since });
  },
});
