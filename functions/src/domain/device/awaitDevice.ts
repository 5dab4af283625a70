import type { Ctx } from "../context.ts";
import { activeSession } from "../enrollment/session.ts";
import type { Device } from "./device.ts";

export interface Waiting {
  /** As it was read. */
  device: Device;
  /** How long to wait at most, in ms. */
  wait_ms: number;
  /** Whether the device, at this time, is what the caller waits for. Asked of every state, and when a session expires. */
  isNews(device: Device, at: Date): boolean;
  /** Ends the waiting, too. */
  signal: AbortSignal;
}

/**
 * Waits until there is news of a device, or until it is gone, or its time is over; what is news already is not waited
 * for. One listener, and no read but its own.
 * @returns the device as it is then; undefined when it is gone
 */
export async function awaitDevice(
  ctx: Ctx<"devices">,
  { device, wait_ms, isNews, signal }: Waiting,
): Promise<Device | undefined> {
  const until = ctx.now().getTime() + wait_ms;
  let latest: Device | undefined = device;
  const isOver = () => {
    const now = ctx.now();
    return !latest || isNews(latest, now) || now.getTime() >= until || signal.aborted;
  };
  if (isOver()) return latest;

  let deaf = false;
  let alarm = new AbortController();
  // Its first snapshot is read by the server when the listener is there, so it is never older than `device`: the
  // client keeps nothing from one listener to the next.
  const stop = ctx.devices.watch(device.id, {
    next(found) {
      latest = found?.value;
      alarm.abort();
    },
    error(error) {
      deaf = true;
      ctx.log.warn("a device is not listened to any more", { device_id: device.id, error: String(error) });
    },
  });
  try {
    while (!isOver()) {
      alarm = new AbortController();
      const now = ctx.now();
      const expires_at = latest && activeSession(latest, now)?.expires_at;
      const next = Math.min(until, expires_at?.getTime() ?? until);
      await ctx.sleep(next - now.getTime(), AbortSignal.any([signal, alarm.signal]));
    }
  } finally {
    stop();
  }
  return deaf && !signal.aborted ? (await ctx.devices.get(device.id))?.value : latest;
}
