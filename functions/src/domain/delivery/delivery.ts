import { createHash } from "node:crypto";
import type { EventType } from "../event/event.ts";
import type { Listing, Position, Range } from "../list.ts";
import type { Stored, Write } from "../store.ts";
import type { AttemptError } from "../webhook/outbound.ts";

export const DELIVERY_STATUSES = ["pending", "success", "failed"] as const;
type DeliveryStatus = (typeof DELIVERY_STATUSES)[number];

/** One POST that was made, with what came back. */
export interface Attempt {
  /** From 1. */
  attempt: number;
  started_at: Date;
  duration_ms: number;
  status_code: number | null;
  /** At most 102,400 bytes of it; within a delivery 1,024 characters. */
  response_body: string | null;
  response_truncated: boolean;
  error: AttemptError | null;
  url: string;
}

/** One event on its way to one subscription. */
export interface Delivery {
  /** UUIDv8 of SHA-256(event_id|webhook_id): fanning out twice makes one. */
  id: string;
  project_id: string;
  webhook_id: string;
  event_id: string;
  event_type: EventType;
  /** The bytes that are signed and sent. */
  body: string;
  status: DeliveryStatus;
  attempts: readonly Attempt[];
  attempt_count: number;
  /** How many attempts of the schedule have been made; manual ones are beside it. */
  scheduled: number;
  /** When the schedule's next attempt is; null when there is none, and while the subscription is disabled. */
  next_attempt_at: Date | null;
  /** Until when it is tried, by the schedule. */
  ends_at: Date;
  /** When an attempt beside the schedule was asked for, until it is made. */
  manual_at: Date | null;
  /** Until when the sweeper takes the task that it has enqueued for it to be under way. */
  swept_until: Date | null;
  /** Part of the name of its next task: a name that was used cannot be used again for an hour. */
  epoch: number;
  /** Who is making an attempt just now; after `until` it is taken to have died. */
  lease: { id: string; until: Date; manual: boolean } | null;
  /** Whether its outcome tells of the endpoint's health: not that of test events, nor of what is replayed. */
  counts: boolean;
  last_status_code: number | null;
  error: AttemptError | "subscription_disabled" | null;
  created_at: Date;
  completed_at: Date | null;
  /** When it was last asked to be sent again with others. */
  recovered_at: Date | null;
}

/** For how long events, deliveries and attempts are kept. */
export const RETENTION_MS = 30 * 24 * 60 * 60_000;

/** A delivery has at most so many attempts, those by hand included: they are all part of its document. */
export const MAX_ATTEMPTS_KEPT = 100;

/** Where something is of which there are several pages. */
export interface Place {
  project_id: string;
  webhook_id: string;
}

export interface Deliveries {
  get(of: Place, id: string): Promise<Stored<Delivery> | undefined>;
  create(delivery: Delivery): Write;
  replace(was: Stored<Delivery>, now: Delivery): Write;
  createAttempt(delivery: Delivery, attempt: Attempt): Write;
  ofWebhook(
    of: Place,
    range: Range,
    only: { status?: DeliveryStatus | undefined; event_type?: EventType | undefined },
  ): Listing<Delivery>;
  /** Attempts with whole bodies, oldest first. */
  attempts(delivery: Delivery): AsyncIterable<readonly Attempt[]>;
  /** Pending ones that wait for their subscription to be enabled. */
  paused(of: Place, limit: number): Promise<Stored<Delivery>[]>;
  /** Failed ones created from `since` until `until`, oldest first, behind a position. */
  failed(of: Place, time: Range, limit: number, after?: Position): Promise<Stored<Delivery>[]>;
  countFailed(of: Place, time: Range): Promise<number>;
  /** Those of a shard whose time has come, the longest due first, of every project. */
  due(shard: number, at: Date, limit: number, after?: Stored<Delivery>): Promise<Stored<Delivery>[]>;
  /** Those of a shard that are kept no longer, of every project. */
  expired(shard: number, at: Date, limit: number): Promise<Stored<Delivery>[]>;
  /** Any of a subscription. */
  some(of: Place, limit: number): Promise<Stored<Delivery>[]>;
  /** Removes a delivery with its attempts, whoever changed it since. */
  erase(delivery: Delivery): Promise<void>;
}

/** @see Delivery.id */
export function deliveryId(event_id: string, webhook_id: string): string {
  const bytes = createHash("sha256").update(`${event_id}|${webhook_id}`).digest().subarray(0, 16);
  bytes[6] = ((bytes[6] as number) & 0x0f) | 0x80;
  bytes[8] = ((bytes[8] as number) & 0x3f) | 0x80;
  return bytes.toString("hex").replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}

/** Where the deliveries of a subscription are. */
export const placeOf = ({ project_id, id }: { project_id: string; id: string }): Place => ({
  project_id,
  webhook_id: id,
});

/** Whether nothing is to be attempted, be it until its subscription is enabled. */
export const waits = ({ next_attempt_at, manual_at }: Delivery): boolean =>
  next_attempt_at === null && manual_at === null;

/** When something is to be done for it: an attempt, or, while its subscription is disabled, to give up. */
export function dueAt(delivery: Delivery): Date | null {
  const { status, next_attempt_at, manual_at, ends_at } = delivery;
  const scheduled = status === "pending" ? (next_attempt_at ?? ends_at) : null;
  if (!manual_at || !scheduled) return manual_at ?? scheduled;
  return manual_at < scheduled ? manual_at : scheduled;
}

/** When the sweeper is to look at it: when something is due that it has not seen to. */
export function sweptAt(delivery: Delivery): Date | null {
  const due_at = dueAt(delivery);
  const { swept_until } = delivery;
  return due_at && swept_until && swept_until > due_at ? swept_until : due_at;
}
