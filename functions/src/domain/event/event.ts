import type { Write } from "../store.ts";

/** Something that happened, as it will be told to webhooks: the outbox is the events not yet dispatched. */
export interface Event {
  id: string;
  project_id: string;
  event_type: "enrollment.completed";
  /** The JSON document that is signed and sent, byte for byte. */
  body: string;
  created_at: Date;
  dispatched_at: Date | null;
}

export interface Events {
  create(event: Event): Write;
}

/** `enrollment.completed`; session and device are null when it came through the API. */
export function enrollmentCompleted(input: {
  id: string;
  project_id: string;
  member_id: string | null;
  session_id: string | null;
  device_id: string | null;
  at: Date;
}): Event {
  const event_type = "enrollment.completed";
  const at = input.at.toISOString();
  const body = {
    event_id: input.id,
    event_type,
    timestamp: at,
    project_id: input.project_id,
    data: {
      event_type,
      session_id: input.session_id,
      member_id: input.member_id,
      device_id: input.device_id,
      completed_at: at,
    },
  };
  return {
    id: input.id,
    project_id: input.project_id,
    event_type,
    body: JSON.stringify(body),
    created_at: input.at,
    dispatched_at: null,
  };
}
