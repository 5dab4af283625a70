import * as z from "zod";
import type { Ctx } from "../../domain/context.ts";
import * as registrations from "../../domain/registration/startRegistration.ts";
import { defineRoute } from "../../http/route.ts";
import { text, time, toTime } from "../fields.ts";

const StartRegistrationBody = z
  .strictObject({
    app_version: text(100).optional().meta({ description: "Of the terminal's software." }),
    model: text(100)
      .optional()
      .meta({ description: "As on the terminal's label; shown to the person who enters the code." }),
  })
  .meta({ id: "StartRegistration" });

const RegistrationShape = z
  .strictObject({
    registration_code: z.string().meta({ description: "8 characters of Crockford's base32, to be shown." }),
    claim_token: z.string().meta({ description: "To ask with what became of the code; not to be shown." }),
    expires_at: time.meta({ description: "The code works until then, 15 minutes." }),
  })
  .meta({ id: "Registration" });

export const startRegistration = defineRoute({
  method: "POST",
  path: "/v1/terminal/registrations",
  operationId: "startRegistration",
  fn: "terminal",
  summary: "Start a registration",
  description:
    "For a terminal out of its box: it shows the code until somebody enters it, and asks with the token for its key. " +
    "Both are in this answer only. 30 in 10 minutes from one address.",
  auth: "public",
  scope: "public",
  rate: "registration",
  idempotent: false,
  audits: null,
  body: StartRegistrationBody,
  status: 201,
  response: RegistrationShape,
  errors: [],
  async handle(ctx: Ctx<"registrations" | "commit">, { body: { app_version = null, model = null } }) {
    const { code, claim_token, expires_at } = await registrations.startRegistration(ctx, {
      app_version,
      model,
    });
    return { registration_code: code, claim_token, expires_at: toTime(expires_at) };
  },
});
