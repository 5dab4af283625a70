import type { Ctx } from "../context.ts";
import { endSession } from "../device/device.ts";
import type { Member } from "../member/member.ts";
import type { Write } from "../store.ts";

/** The writes that end the running sessions of a member, for the batch of whoever ends them. */
export async function endSessions(ctx: Ctx<"devices">, member: Member): Promise<Write[]> {
  const devices = await ctx.devices.enrolling(member);
  const at = ctx.now();
  return devices.map((was) => ctx.devices.replace(was, endSession(was.value, at)));
}
