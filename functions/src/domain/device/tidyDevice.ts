import { AGAIN, change } from "../change.ts";
import type { Ctx } from "../context.ts";
import { asOf } from "../enrollment/session.ts";
import type { Device } from "./device.ts";

/** The device without what it keeps past its time: an active session, a key that was not fetched. */
export const tidied = ({ session, unclaimed_key, ...device }: Device, at: Date): Device => ({
  ...device,
  session: session && asOf(session, at),
  unclaimed_key: unclaimed_key && unclaimed_key.until <= at ? null : unclaimed_key,
});

/**
 * Stores that a session has expired before anybody is told so: a change that was decided a moment earlier may still be
 * on its way, and then it is what happened.
 * @returns the device as it is then; undefined when it is gone
 */
export function tidyDevice(ctx: Ctx<"commit" | "devices">, id: string): Promise<Device | undefined> {
  return change(ctx, async () => {
    const was = await ctx.devices.get(id);
    if (!was) return undefined;
    const now = tidied(was.value, ctx.now());
    if (now.session === was.value.session) return was.value;
    return (await ctx.commit([ctx.devices.replace(was, now)])) === "committed" ? now : AGAIN;
  });
}
