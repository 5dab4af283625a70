import { AGAIN, change } from "../change.ts";
import type { Ctx } from "../context.ts";
import { type Device, disabled } from "../device/device.ts";
import type { Environment } from "../environment/environment.ts";
import { DomainError, invalid, notFound } from "../errors.ts";
import type { Member } from "../member/member.ts";
import type { Stored } from "../store.ts";
import { activeSession, asOf, type Session, startSession } from "./session.ts";

export type StartCtx = Ctx<"commit" | "devices" | "members" | "sessions">;

/**
 * Starts the enrolment of a palm at a device; the session before it is put away. The member is changed with it, so that
 * whoever deletes the member in the same moment finds the session.
 * @throws DomainError `invalid_request` for a member where there are none, and for none where there are;
 * `not_found` for a member that the project has not, and for a device that is gone; `device_disabled`;
 * `session_active`.
 */
export function startEnrollment(
  ctx: StartCtx,
  input: {
    device: Stored<Device>;
    environment: Environment;
    member_id: string | undefined;
    hand: Session["hand"];
    samples_required: number;
    expires_in_ms: number;
  },
): Promise<Session> {
  const { environment, hand, samples_required, expires_in_ms } = input;
  const member_id = memberOf(environment, input.member_id);
  const id = ctx.id();
  const { id: device_id, project_id } = input.device.value;
  let device = input.device;
  return change(ctx, async () => {
    const member = member_id === null ? undefined : await readMember(ctx, project_id, member_id);
    const created_at = ctx.now();
    const before = device.value.session;
    if (activeSession(device.value, created_at)) {
      throw new DomainError(
        "session_active",
        "An enrolment goes on at the device: wait for its end, or cancel it.",
      );
    }
    const session = startSession({
      ...{ id, device_id, project_id, member_id, hand, samples_required, created_at },
      expires_at: new Date(created_at.getTime() + expires_in_ms),
    });
    const writes = [
      ctx.devices.replace(device, { ...device.value, session }),
      ...(before ? [ctx.sessions.create(asOf(before, created_at))] : []),
      ...(member ? [ctx.members.replace(member, { ...member.value, last_session_id: id })] : []),
    ];
    const outcome = await ctx.commit(writes, { target: { type: "session", id }, result: session });
    if (outcome === "committed") return session;
    device = await readDevice(ctx, device_id);
    return AGAIN;
  });
}

function memberOf(environment: Environment, member_id: string | undefined): string | null {
  if (environment.type === "global") {
    if (member_id !== undefined) throw invalid("member_id", "is not known in a global environment");
    return null;
  }
  if (member_id === undefined) throw invalid("member_id", "is required");
  return member_id;
}

async function readMember(ctx: StartCtx, project_id: string, id: string): Promise<Stored<Member>> {
  const member = await ctx.members.get(project_id, id);
  if (!member) throw notFound();
  return member;
}

async function readDevice(ctx: StartCtx, id: string): Promise<Stored<Device>> {
  const device = await ctx.devices.get(id);
  if (!device) throw notFound();
  if (!device.value.enabled) throw disabled();
  return device;
}
