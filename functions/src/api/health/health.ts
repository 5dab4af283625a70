import * as z from "zod";
import type { Ctx } from "../../domain/context.ts";
import { defineRoute } from "../../http/route.ts";

const HealthShape = z
  .strictObject({
    status: z.enum(["ok", "degraded", "down"]),
    checks: z.array(
      z.strictObject({
        name: z.string(),
        critical: z.boolean(),
        status: z.enum(["ok", "failed", "timeout"]),
        took_ms: z.int().min(0),
      }),
    ),
  })
  .meta({ id: "Health" });

export const health = defineRoute({
  method: "GET",
  path: "/v1/health",
  operationId: "health",
  fn: "health",
  summary: "Are the dependencies well?",
  description:
    "Asks each dependency, within 800 ms, at most every 2 s per instance. 200 with `ok` or `degraded` (one that " +
    "is not critical fails), 503 with `down` and the same document.",
  auth: "public",
  scope: "public",
  rate: "free",
  response: HealthShape,
  statusOf: ({ status }) => (status === "down" ? 503 : 200),
  errors: [],
  handle: (ctx: Ctx<"checks">) => ctx.checks.report(),
});
