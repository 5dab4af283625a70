import type { Ctx } from "../context.ts";
import type { Device } from "../device/device.ts";
import { activeSession, type Session } from "./session.ts";

/** The active session of a device; when one is named, that one or none. */
export function getEnrollment(
  ctx: Ctx,
  { device, session_id }: { device: Device; session_id: string | undefined },
): Session | null {
  const session = activeSession(device, ctx.now());
  return session && (session_id === undefined || session.id === session_id) ? session : null;
}
