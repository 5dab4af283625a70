import type { Ctx } from "../context.ts";
import { RETENTION_MS } from "../delivery/delivery.ts";
import type { Position } from "../list.ts";
import type { Event, EventType } from "./event.ts";

/** Younger ones are held back: another instance may be about to commit an earlier one. */
const SETTLED_MS = 5000;

/** Before every event. */
const BEGINNING: Position = { created_at: new Date(0), id: "00000000-0000-0000-0000-000000000000" };

/**
 * What happened in a project in the last 30 days, oldest first.
 * @returns `next`, where to go on: behind the last one, or where it was asked from when there is none
 */
export async function listEvents(
  ctx: Ctx<"events">,
  input: {
    project_id: string;
    after?: Position | undefined;
    limit: number;
    event_type?: EventType | undefined;
  },
): Promise<{ events: Event[]; next: Position }> {
  const now = ctx.now().getTime();
  const kept: Position = { ...BEGINNING, created_at: new Date(now - RETENTION_MS) };
  const after = input.after && input.after.created_at > kept.created_at ? input.after : kept;
  const events = await ctx.events.ofProject(input.project_id, {
    after,
    until: new Date(now - SETTLED_MS),
    limit: input.limit,
    event_type: input.event_type,
  });
  return { events, next: events.at(-1) ?? input.after ?? BEGINNING };
}
