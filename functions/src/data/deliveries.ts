import { FieldPath, type Firestore, type Query, Timestamp } from "@google-cloud/firestore";
import * as z from "zod";
import {
  type Attempt,
  DELIVERY_STATUSES,
  type Deliveries,
  type Delivery,
  type Place,
  RETENTION_MS,
  sweptAt,
} from "../domain/delivery/delivery.ts";
import { shardOf } from "../domain/delivery/shards.ts";
import { EVENT_TYPES } from "../domain/event/event.ts";
import type { Range } from "../domain/list.ts";
import type { Stored } from "../domain/store.ts";
import { ATTEMPT_ERRORS } from "../domain/webhook/outbound.ts";
import { behind, count, Documents, date, eraseAll, within } from "./firestore.ts";

/** What the sweeper looks for, and when the document ends. */
interface Kept {
  due_at: Date | null;
  shard: number;
  expires_at: Date;
}

const attemptFields = {
  attempt: z.int(),
  started_at: date,
  duration_ms: z.number(),
  status_code: z.int().nullable(),
  response_body: z.string().nullable(),
  response_truncated: z.boolean(),
  error: z.enum(ATTEMPT_ERRORS).nullable(),
  url: z.string(),
};

const attempts = new Documents<Attempt & Pick<Kept, "expires_at">>(
  z.object({ ...attemptFields, expires_at: date }),
);

const documents = new Documents<Delivery & Kept>(
  z.object({
    id: z.string(),
    project_id: z.string(),
    webhook_id: z.string(),
    event_id: z.string(),
    event_type: z.enum(EVENT_TYPES),
    body: z.string(),
    status: z.enum(DELIVERY_STATUSES),
    attempts: z.array(z.object(attemptFields)),
    attempt_count: z.int(),
    scheduled: z.int(),
    next_attempt_at: date.nullable(),
    ends_at: date,
    manual_at: date.nullable(),
    swept_until: date.nullable(),
    epoch: z.int(),
    lease: z.object({ id: z.string(), until: date, manual: z.boolean() }).nullable(),
    counts: z.boolean(),
    last_status_code: z.int().nullable(),
    error: z.enum([...ATTEMPT_ERRORS, "subscription_disabled"]).nullable(),
    created_at: date,
    completed_at: date.nullable(),
    recovered_at: date.nullable(),
    due_at: date.nullable(),
    shard: z.int(),
    expires_at: date,
  }),
);

const expiryOf = ({ created_at }: Delivery): Date => new Date(created_at.getTime() + RETENTION_MS);

const toRecord = (delivery: Delivery): Delivery & Kept => ({
  ...delivery,
  due_at: sweptAt(delivery),
  shard: shardOf(delivery.id),
  expires_at: expiryOf(delivery),
});

const fromRecord = ({ due_at: _, shard: _s, expires_at: _e, ...delivery }: Delivery & Kept): Delivery =>
  delivery;

/** `projects/{project}/webhooks/{webhook}/deliveries/{delivery}` and, below each, `attempts/{n}`. */
export function createDeliveries(db: Firestore): Deliveries {
  const deliveriesOf = ({ project_id, webhook_id }: Place) =>
    db.collection("projects").doc(project_id).collection("webhooks").doc(webhook_id).collection("deliveries");
  const ref = (delivery: Delivery) => deliveriesOf(delivery).doc(delivery.id);
  const attemptsOf = (delivery: Delivery) => ref(delivery).collection("attempts");
  const toStored = (found: Stored<Delivery & Kept>): Stored<Delivery> => ({
    ...found,
    value: fromRecord(found.value),
  });
  const query = async (what: Query) => (await documents.query(what)).map(toStored);
  const failed = (of: Place, time: Range) => within(deliveriesOf(of).where("status", "==", "failed"), time);
  const ofShard = (shard: number) => db.collectionGroup("deliveries").where("shard", "==", shard);
  return {
    async get(of, id) {
      const found = await documents.get(deliveriesOf(of).doc(id));
      return found && toStored(found);
    },
    create: (delivery) => documents.create(ref(delivery), toRecord(delivery)),
    replace: (was, now) => documents.replace(was, toRecord(now)),
    createAttempt: (delivery, attempt) =>
      attempts.create(attemptsOf(delivery).doc(`${attempt.attempt}`), {
        ...attempt,
        expires_at: expiryOf(delivery),
      }),
    ofWebhook(of, range, { status, event_type }) {
      let which: Query = deliveriesOf(of);
      if (status) which = which.where("status", "==", status);
      if (event_type) which = which.where("event_type", "==", event_type);
      return documents.list(within(which, range), fromRecord);
    },
    async *attempts(delivery) {
      const batches = attempts.stream(attemptsOf(delivery).orderBy("attempt"));
      for await (const batch of batches) yield batch.map(({ expires_at: _, ...attempt }) => attempt);
    },
    paused: (of, limit) =>
      query(
        deliveriesOf(of).where("status", "==", "pending").where("next_attempt_at", "==", null).limit(limit),
      ),
    failed(of, time, limit, after) {
      const ordered = failed(of, time).orderBy("created_at").orderBy(FieldPath.documentId());
      const from = after ? ordered.startAfter(Timestamp.fromDate(after.created_at), after.id) : ordered;
      return query(from.limit(limit));
    },
    countFailed: (of, time) => count(failed(of, time)),
    due(shard, at, limit, after) {
      const ordered = ofShard(shard)
        .where("due_at", "<=", Timestamp.fromDate(at))
        .orderBy("due_at")
        .orderBy(FieldPath.documentId());
      const due_at = after && sweptAt(after.value);
      return query((due_at ? behind(ordered, after, due_at) : ordered).limit(limit));
    },
    expired: (shard, at, limit) =>
      query(ofShard(shard).where("expires_at", "<=", Timestamp.fromDate(at)).limit(limit)),
    some: (of, limit) => query(deliveriesOf(of).limit(limit)),
    async erase(delivery) {
      await eraseAll(db, await attemptsOf(delivery).listDocuments());
      await eraseAll(db, [ref(delivery)]);
      // Whoever has the lease may have written its attempt down in between; from here on nobody can.
      if (delivery.lease) await eraseAll(db, await attemptsOf(delivery).listDocuments());
    },
  };
}
