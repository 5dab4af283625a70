import type { Ctx } from "../context.ts";
import { awaitDevice } from "../device/awaitDevice.ts";
import type { Device } from "../device/device.ts";
import { tidyDevice } from "../device/tidyDevice.ts";
import { notFound } from "../errors.ts";
import { asOf, isActive, type Session, TOLD_MS } from "./session.ts";

/**
 * The session once its version is newer than the one that is named, at once where none is; or else as it is when the
 * time is over. Null once another one was started on the device, or it has ended a day ago.
 * @throws DomainError `not_found` when the device was deleted meanwhile.
 */
export async function pollEnrollment(
  ctx: Ctx<"commit" | "devices">,
  input: {
    device: Device;
    session_id: string;
    version: number | undefined;
    wait_ms: number;
    signal: AbortSignal;
  },
): Promise<Session | null> {
  const { session_id, version = 0, ...waiting } = input;
  const told = (device: Device, at: Date): Session | null => {
    if (device.session?.id !== session_id) return null;
    const session = asOf(device.session, at);
    return isActive(session) || Number(at) - Number(session.updated_at) < TOLD_MS ? session : null;
  };
  const isNews = (device: Device, at: Date): boolean => (told(device, at)?.version ?? Infinity) > version;
  const heard = await awaitDevice(ctx, { ...waiting, isNews });
  if (!heard) throw notFound();
  const session = told(heard, ctx.now());
  if (!session || session === heard.session) return session;
  const tidy = await tidyDevice(ctx, heard.id);
  if (!tidy) throw notFound();
  return told(tidy, ctx.now());
}
