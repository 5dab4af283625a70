import type { Firestore } from "@google-cloud/firestore";
import * as z from "zod";
import type { Event, Events } from "../domain/event/event.ts";
import { Documents, date } from "./firestore.ts";

const documents = new Documents<Event>(
  z.object({
    id: z.string(),
    project_id: z.string(),
    event_type: z.literal("enrollment.completed"),
    body: z.string(),
    created_at: date,
    dispatched_at: date.nullable(),
  }),
);

/** `projects/{project}/events/{event}`: with `dispatched_at` null, the outbox. */
export function createEvents(db: Firestore): Events {
  return {
    create: (event) =>
      documents.create(
        db.collection("projects").doc(event.project_id).collection("events").doc(event.id),
        event,
      ),
  };
}
