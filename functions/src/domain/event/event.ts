import type { Position } from "../list.ts";
import type { Stored, Write } from "../store.ts";
import { type DisabledReason, SUBSCRIBABLE } from "../webhook/webhook.ts";

/** What can happen. Subscriptions are for some of it; a test is sent to one, and the last is only listed. */
export const EVENT_TYPES = [...SUBSCRIBABLE, "webhook.test", "webhook.disabled"] as const;
export type EventType = (typeof EVENT_TYPES)[number];

/** Something that happened, as it will be told to webhooks: the outbox is the events not yet dispatched. */
export interface Event {
  id: string;
  project_id: string;
  event_type: EventType;
  /** The JSON document that is signed and sent, byte for byte. */
  body: string;
  created_at: Date;
  dispatched_at: Date | null;
}

export interface Events {
  create(event: Event): Write;
  get(project_id: string, id: string): Promise<Stored<Event> | undefined>;
  /** Takes it out of the outbox, whoever did so before. */
  markDispatched(event: Event, at: Date): Write;
  /** Those of a project from a moment on, behind a position, and before a moment; oldest first, equal times by id. */
  ofProject(
    project_id: string,
    part: { after: Position; until: Date; limit: number; event_type?: EventType | undefined },
  ): Promise<Event[]>;
  /** The outbox: those not yet dispatched, of every project. */
  waiting(limit: number): Promise<Stored<Event>[]>;
  /** Those of a shard that are kept no longer, of every project. */
  expired(shard: number, at: Date, limit: number): Promise<Stored<Event>[]>;
  erase(events: readonly Stored<Event>[]): Promise<void>;
}

/** `data` of each type; `event_type` is its first field. Never biometric data. */
interface Data {
  "enrollment.completed": {
    session_id: string | null;
    member_id: string | null;
    device_id: string | null;
    completed_at: Date;
  };
  "demo.scan.success": {
    scan_id: string;
    device_id: string;
    member_id: string | null;
    scanned_at: Date;
  };
  "webhook.test": { test_id: string };
  "webhook.disabled": { webhook_id: string; reason: DisabledReason; disabled_at: Date };
}

/** An event with the body that will be sent; it waits in the outbox. */
export function newEvent<T extends EventType>(
  event_type: T,
  { id, project_id, at }: { id: string; project_id: string; at: Date },
  data: Data[T],
): Event {
  const body = {
    event_id: id,
    event_type,
    timestamp: at,
    project_id,
    data: { event_type, ...data },
  };
  return { id, project_id, event_type, body: JSON.stringify(body), created_at: at, dispatched_at: null };
}
