import * as z from "zod";
import * as devices from "../../domain/device/nextCommand.ts";
import { TEMPLATE_FORMATS } from "../../domain/environment/environment.ts";
import { defineRoute } from "../../http/route.ts";
import { DeviceShape, toDevice } from "../devices/schemas.ts";
import { text, uuid, waitSeconds } from "../fields.ts";
import { SessionShape, toSession } from "../sessions.ts";

const PAIR = { session_id: "session_version", session_version: "session_id" } as const;

const typed = (session_id: string, session_version: string) => ({
  session_id: { type: session_id },
  session_version: { type: session_version },
});

const NextCommandBody = z
  .strictObject({
    wait: waitSeconds,
    app_version: text(100).optional().meta({ description: "Of the terminal's software." }),
    session_id: uuid.optional().meta({ description: "The active session that the terminal knows." }),
    session_version: z.int().min(1).optional().meta({ description: "Its version that the terminal knows." }),
  })
  .superRefine((body, context) => {
    for (const [name, other] of Object.entries(PAIR) as [keyof typeof PAIR, keyof typeof PAIR][]) {
      if (body[name] !== undefined || body[other] === undefined) continue;
      context.addIssue({ code: "custom", path: [name], message: `goes together with ${other}` });
    }
  })
  .meta({
    id: "NextCommand",
    // Both or neither, and null counts as neither: dependentRequired cannot say the latter.
    anyOf: [
      { required: Object.keys(PAIR), properties: typed("string", "integer") },
      { properties: typed("null", "null") },
    ],
  });

export const nextCommand = defineRoute({
  method: "POST",
  path: "/v1/terminal/poll",
  operationId: "nextCommand",
  fn: "terminal",
  summary: "Wait for what a terminal is to do",
  description:
    "The device's settings and its active session: at once when that is not the one, in the version, that the terminal " +
    "names, or where it names none; within a second of a change of either; or else after `wait`. Poll again at once, " +
    "naming the session that you were told. Also the heartbeat: it keeps `last_seen_at`, to the minute, and " +
    "`app_version`. A disabled device is told so; 401 means that its key is no longer good.",
  auth: ["deviceKey"],
  reachedBy: "direct",
  scope: "terminal",
  idempotent: false,
  audits: null,
  body: NextCommandBody,
  response: z
    .strictObject({
      session: SessionShape.nullable(),
      device: DeviceShape,
      template_format: z
        .enum(TEMPLATE_FORMATS)
        .nullable()
        .meta({ description: "Of templates that the terminal may send; `null` without an environment." }),
    })
    .meta({ id: "Command" }),
  errors: [],
  async handle(ctx: devices.CommandCtx, { device, body, signal }) {
    const { wait, app_version, session_id, session_version: version } = body;
    const known = session_id !== undefined && version !== undefined ? { session_id, version } : undefined;
    const command = await devices.nextCommand(ctx, {
      ...{ device, app_version, known, signal },
      wait_ms: wait * 1000,
    });
    return {
      session: command.session && toSession(command.session),
      device: toDevice(command.device),
      template_format: command.template_format,
    };
  },
});
