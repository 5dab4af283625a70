import type { Ctx } from "../context.ts";
import type { Device } from "../device/device.ts";
import type { Session } from "./session.ts";

/** A session of a device as it is stored: the one that was started last, or one that another has displaced. */
export async function findSession(
  ctx: Ctx<"sessions">,
  device: Device,
  id: string,
): Promise<Session | undefined> {
  if (device.session?.id === id) return device.session;
  return (await ctx.sessions.get(device.id, id))?.value;
}
