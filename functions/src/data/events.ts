import { FieldPath, type Firestore, type Query, Timestamp } from "@google-cloud/firestore";
import * as z from "zod";
import { RETENTION_MS } from "../domain/delivery/delivery.ts";
import { shardOf } from "../domain/delivery/shards.ts";
import { EVENT_TYPES, type Event, type Events } from "../domain/event/event.ts";
import type { Stored } from "../domain/store.ts";
import { Documents, date, eraseAll, refOf, updateFields } from "./firestore.ts";

/** What the sweeper looks for (an index of times alone would be written at its end by everybody), and when it ends. */
interface Kept {
  waiting: boolean;
  shard: number;
  expires_at: Date;
}

const documents = new Documents<Event & Kept>(
  z.object({
    id: z.string(),
    project_id: z.string(),
    event_type: z.enum(EVENT_TYPES),
    body: z.string(),
    created_at: date,
    dispatched_at: date.nullable(),
    waiting: z.boolean(),
    shard: z.int(),
    expires_at: date,
  }),
);

const toRecord = (event: Event): Event & Kept => ({
  ...event,
  waiting: event.dispatched_at === null,
  shard: shardOf(event.id),
  expires_at: new Date(event.created_at.getTime() + RETENTION_MS),
});

const fromRecord = ({ waiting: _, shard: _s, expires_at: _e, ...event }: Event & Kept): Event => event;

const toStored = (found: Stored<Event & Kept>): Stored<Event> => ({
  ...found,
  value: fromRecord(found.value),
});

/** `projects/{project}/events/{event}`: with `dispatched_at` null, the outbox. */
export function createEvents(db: Firestore): Events {
  const eventsOf = (project_id: string) => db.collection("projects").doc(project_id).collection("events");
  const everywhere = db.collectionGroup("events");
  const query = async (what: Query) => (await documents.query(what)).map(toStored);
  return {
    create: (event) => documents.create(eventsOf(event.project_id).doc(event.id), toRecord(event)),
    async get(project_id, id) {
      const found = await documents.get(eventsOf(project_id).doc(id));
      return found && toStored(found);
    },
    markDispatched: ({ project_id, id }, at) =>
      updateFields(eventsOf(project_id).doc(id), { dispatched_at: Timestamp.fromDate(at), waiting: false }),
    async ofProject(project_id, { after, until, limit, event_type }) {
      const all = eventsOf(project_id);
      const found = await query(
        (event_type ? all.where("event_type", "==", event_type) : all)
          .where("created_at", "<", Timestamp.fromDate(until))
          .orderBy("created_at")
          .orderBy(FieldPath.documentId())
          .startAfter(Timestamp.fromDate(after.created_at), after.id)
          .limit(limit),
      );
      return found.map(({ value }) => value);
    },
    waiting: (limit) => query(everywhere.where("waiting", "==", true).limit(limit)),
    expired: (shard, at, limit) =>
      query(
        everywhere.where("shard", "==", shard).where("expires_at", "<=", Timestamp.fromDate(at)).limit(limit),
      ),
    erase: (events) => eraseAll(db, events.map(refOf)),
  };
}
