import * as z from "zod";
import type { Ctx } from "../../domain/context.ts";
import * as registrations from "../../domain/registration/claimRegistration.ts";
import { defineRoute } from "../../http/route.ts";
import { uuid } from "../fields.ts";

const ClaimShape = z.discriminatedUnion("status", [
  z.strictObject({ status: z.literal("pending") }).meta({ id: "PendingRegistration" }),
  z
    .strictObject({
      status: z.literal("registered"),
      device_id: uuid,
      project_id: uuid,
      device_key: z.string().meta({ description: "The terminal's credential from now on." }),
    })
    .meta({ id: "ClaimedRegistration" }),
]);

export const claimRegistration = defineRoute({
  method: "POST",
  path: "/v1/terminal/registrations/claim",
  operationId: "claimRegistration",
  fn: "terminal",
  summary: "Claim a registration",
  description:
    "Tells a terminal whether its code was entered, and gives it its key then: the same until the key is first used, " +
    "for 15 minutes at most. Afterwards, and when nobody entered the code in time, it is 410: start again.",
  auth: ["claimToken"],
  scope: "claim",
  idempotent: false,
  audits: null,
  body: z.strictObject({}),
  response: ClaimShape,
  errors: ["expired"],
  async handle(ctx: Ctx<"devices" | "deviceKeys">, { registration }) {
    return registrations.claimRegistration(ctx, { registration: registration.value });
  },
});
