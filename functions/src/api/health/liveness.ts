import * as z from "zod";
import { defineRoute } from "../../http/route.ts";

export const liveness = defineRoute({
  method: "GET",
  path: "/v1/health/live",
  operationId: "liveness",
  fn: "health",
  summary: "Is the process alive?",
  description: "Answers at once and touches nothing.",
  auth: "public",
  scope: "public",
  rate: "free",
  response: z.strictObject({ status: z.literal("ok") }).meta({ id: "Liveness" }),
  errors: [],
  handle: async () => ({ status: "ok" as const }),
});
