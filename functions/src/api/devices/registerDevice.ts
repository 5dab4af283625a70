import * as z from "zod";
import type { Ctx } from "../../domain/context.ts";
import * as devices from "../../domain/device/registerDevice.ts";
import { accountOf } from "../../http/auth.ts";
import { defineRoute } from "../../http/route.ts";
import { text } from "../fields.ts";
import { DeviceShape, toDevice } from "./schemas.ts";

type RegisterCtx = Ctx<
  | "registrations"
  | "devices"
  | "deviceKeys"
  | "deviceLimits"
  | "guesses"
  | "organizations"
  | "projects"
  | "commit"
>;

const RegisterDeviceBody = z
  .strictObject({
    registration_code: text(200).meta({
      description: "As the terminal shows it; case, spaces and hyphens do not matter.",
    }),
    name: text(200),
  })
  .meta({ id: "RegisterDevice" });

export const registerDevice = defineRoute({
  method: "POST",
  path: "/v1/project/{project_id}/devices/register",
  operationId: "registerDevice",
  fn: "devices",
  summary: "Register a device",
  description:
    "Makes a device of the terminal that shows the code, in a sandbox project; elsewhere your operator does it. The " +
    "terminal fetches its key itself. A code is used once: one that the organization used before, or that is older " +
    "than 15 minutes, is 410. Ten wrong codes in 10 minutes, then any code is 429. An organization has as many devices " +
    "as its plan allows; one more is 409 `limit_reached`, which does not use up the code.\n\n" +
    "**Enter only the code of a terminal that stands in front of you.** Anyone can start a registration, and " +
    "send you its code in a message: the device that you register is then theirs, and sees your members' palms (RFC " +
    "8628, section 5.4). Compare `model` and `app_version` of the answer with the terminal, and delete the device if " +
    "they differ.",
  auth: ["firebase", "apiKey"],
  permission: "devices:write",
  scope: "project",
  requires: ["sandbox"],
  idempotent: true,
  audits: "device",
  body: RegisterDeviceBody,
  status: 201,
  response: DeviceShape,
  errors: ["expired", "limit_reached"],
  answers: toDevice,
  async handle(ctx: RegisterCtx, { project, actor, body: { registration_code: code, name } }) {
    const input = { project, code, name, limits: ctx.deviceLimits };
    return ctx.guesses.look(accountOf(actor), () => devices.registerDevice(ctx, input));
  },
});
