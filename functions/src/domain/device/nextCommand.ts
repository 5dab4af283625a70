import type { TemplateFormat } from "../../palm/index.ts";
import type { Ctx } from "../context.ts";
import { activeSession, type Session } from "../enrollment/session.ts";
import { unauthenticated } from "../errors.ts";
import type { Stored } from "../store.ts";
import { awaitDevice } from "./awaitDevice.ts";
import type { Device } from "./device.ts";

export type CommandCtx = Ctx<"commit" | "devices" | "formats">;

/** What a terminal is to do. */
export interface Command {
  /** The active one. */
  session: Session | null;
  device: Device;
  /** Null where the project has no environment. */
  template_format: TemplateFormat | null;
}

/** `last_seen_at` is written at most this often, in ms. */
const SEEN_MS = 60_000;

/**
 * Tells a terminal its active session and its settings, once they differ from what it knows: from the session that it
 * names, from none where it names none, from the device as its key was looked up; or else when its time is over. It is
 * also the heartbeat.
 * @throws DomainError `unauthenticated` when the key died meanwhile.
 */
export async function nextCommand(
  ctx: CommandCtx,
  input: {
    device: Stored<Device>;
    app_version?: string | undefined;
    /** The active session that the terminal knows, in the version that it knows. */
    known: { session_id: string; version: number } | undefined;
    wait_ms: number;
    signal: AbortSignal;
  },
): Promise<Command> {
  const { known, wait_ms, signal } = input;
  // Before the listener is there: it would tell of the heartbeat, and that is a read.
  const [device, template_format] = await Promise.all([
    beat(ctx, input.device.value, input.app_version),
    ctx.formats.of(input.device.value.project_id),
  ]);
  const isNews = (now: Device, at: Date): boolean => {
    const session = activeSession(now, at);
    return (
      session?.id !== known?.session_id ||
      session?.version !== known?.version ||
      (["secret_hash", "name", "enabled", "mode"] as const).some((field) => now[field] !== device[field])
    );
  };
  const latest = await awaitDevice(ctx, { device, wait_ms, isNews, signal });
  if (latest?.secret_hash !== device.secret_hash) throw unauthenticated();
  return { session: activeSession(latest, ctx.now()) ?? null, device: latest, template_format };
}

/** Writes that the terminal was seen, where that is news. One that cannot be written keeps nobody from anything. */
async function beat(ctx: CommandCtx, device: Device, app_version = device.app_version): Promise<Device> {
  const last_seen_at = ctx.now();
  const isFresh = device.last_seen_at && Number(last_seen_at) - Number(device.last_seen_at) < SEEN_MS;
  if (isFresh && app_version === device.app_version) return device;
  const facts = (error: unknown) => ({ device_id: device.id, error: String(error) });
  try {
    const seen = { last_seen_at, app_version };
    // Conflict: it is gone, which the waiting tells.
    if ((await ctx.commit([ctx.devices.touch(device.id, seen)])) === "committed")
      return { ...device, ...seen };
  } catch (error) {
    ctx.log.warn("a heartbeat was not written", facts(error));
  }
  return device;
}
