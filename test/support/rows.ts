import { randomUUID } from "node:crypto";
import { hashSecret, newKey } from "../../functions/src/domain/credential/key.ts";
import type { Attempt, Delivery } from "../../functions/src/domain/delivery/delivery.ts";
import type { Device } from "../../functions/src/domain/device/device.ts";
import { type Session, startSession } from "../../functions/src/domain/enrollment/session.ts";
import { type Event, newEvent } from "../../functions/src/domain/event/event.ts";
import { CODE_MS, type Registration } from "../../functions/src/domain/registration/registration.ts";
import type { Scan } from "../../functions/src/domain/scan/scan.ts";
import type { Transaction } from "../../functions/src/domain/transaction/transaction.ts";
import { newSecret } from "../../functions/src/domain/webhook/signature.ts";
import { NO_CHORES, type Webhook } from "../../functions/src/domain/webhook/webhook.ts";
import { db } from "./firestore.ts";
import type { Deps } from "./tenant.ts";

/** How many writes one batch takes. */
const BATCH = 500;

/** A palm terminal that has not been seen yet, unless said otherwise. */
export const newDevice = (fields: Pick<Device, "project_id"> & Partial<Device>): Device => {
  const id = randomUUID();
  return {
    id,
    name: "Front door",
    enabled: true,
    mode: "standard",
    model: null,
    app_version: null,
    last_seen_at: null,
    secret_hash: newKey("pd", id).secret_hash,
    unclaimed_key: null,
    session: null,
    created_at: new Date(),
    ...fields,
  };
};

/** The same, and the key that opens it. */
export function newDeviceWithKey(fields: Pick<Device, "project_id"> & Partial<Device>): {
  device: Device;
  key: string;
} {
  const id = fields.id ?? randomUUID();
  const { key, secret_hash } = newKey("pd", id);
  return { key, device: newDevice({ ...fields, id, secret_hash }) };
}

/** An enrolment of one sample that has just been started, unless said otherwise. */
export const newSession = (fields: Pick<Session, "device_id" | "project_id"> & Partial<Session>): Session => {
  const created_at = fields.created_at ?? new Date();
  const session = startSession({
    id: randomUUID(),
    member_id: null,
    hand: "unknown",
    samples_required: 1,
    created_at,
    expires_at: new Date(created_at.getTime() + 120_000),
    ...fields,
  });
  return { ...session, ...fields };
};

/** A terminal out of its box, and its token; nobody knows its code. */
export function newRegistration(fields: Partial<Registration> = {}): {
  registration: Registration;
  claimToken: string;
} {
  const id = fields.id ?? randomUUID();
  const { key: claimToken, secret_hash } = newKey("pt", id);
  const created_at = new Date();
  const registration: Registration = {
    id,
    code_hash: hashSecret(id),
    secret_hash,
    app_version: null,
    model: null,
    created_at,
    expires_at: new Date(created_at.getTime() + CODE_MS),
    registered: null,
    ...fields,
  };
  return { registration, claimToken };
}

/** One identification at a terminal, unless said otherwise. */
export const newScan = (fields: Pick<Scan, "project_id"> & Partial<Scan>): Scan => ({
  id: randomUUID(),
  device_id: randomUUID(),
  api_key_id: null,
  source: "terminal",
  operation: "identify",
  outcome: "identified",
  member_id: randomUUID(),
  score: 0.71,
  pad_score: 0.98,
  created_at: new Date(),
  ...fields,
});

/** One approved payment, unless said otherwise. */
export const newTransaction = (
  fields: Pick<Transaction, "project_id"> & Partial<Transaction>,
): Transaction => ({
  id: randomUUID(),
  device_id: randomUUID(),
  member_id: randomUUID(),
  scan_id: randomUUID(),
  status: "approved",
  amount_minor: 1250,
  currency: "EUR",
  reference: "Lunch",
  created_at: new Date(),
  ...fields,
});

/** Where a webhook may lead by the tests' parameters, without asking DNS, and where nobody listens. */
export const NOWHERE = "http://localhost:65535/";

/** A subscription that hears of no enrolment and takes none of the 25 places, unless said otherwise. */
export const newWebhook = (
  { secrets }: Pick<Deps, "secrets">,
  fields: Pick<Webhook, "project_id"> & Partial<Webhook>,
): Webhook => {
  const id = randomUUID();
  const created_at = new Date();
  return {
    id,
    url: NOWHERE,
    event_types: ["demo.scan.success"],
    enabled: true,
    description: null,
    disabled_reason: null,
    secret: secrets.seal({ id, ...fields }, newSecret()),
    old_secret: null,
    slot: 99,
    created_at,
    updated_at: created_at,
    last_success_at: null,
    first_failure_at: null,
    blocked: 0,
    chores: NO_CHORES,
    ...fields,
  };
};

/** A test event that everybody has been told of, unless said otherwise. */
export const newTestEvent = (fields: Pick<Event, "project_id"> & Partial<Event>): Event => {
  const at = fields.created_at ?? new Date();
  const event = newEvent("webhook.test", { id: randomUUID(), at, ...fields }, { test_id: randomUUID() });
  return { ...event, dispatched_at: at, ...fields };
};

/** An attempt that was answered 204, unless said otherwise. */
export const newAttempt = (fields: Partial<Attempt> = {}): Attempt => ({
  attempt: 1,
  started_at: new Date(),
  duration_ms: 12,
  status_code: 204,
  response_body: "",
  response_truncated: false,
  error: null,
  url: NOWHERE,
  ...fields,
});

/** A delivery that arrived at once, unless said otherwise. */
export const newDelivery = (
  fields: Pick<Delivery, "project_id" | "webhook_id"> & Partial<Delivery>,
): Delivery => {
  const created_at = fields.created_at ?? new Date();
  const { id: event_id, body } = newTestEvent({ ...fields, id: randomUUID() });
  return {
    id: randomUUID(),
    event_id,
    event_type: "webhook.test",
    body,
    status: "success",
    attempts: [newAttempt({ started_at: created_at })],
    attempt_count: 1,
    scheduled: 1,
    next_attempt_at: null,
    ends_at: new Date(created_at.getTime() + 14 * 86_400_000),
    manual_at: null,
    swept_until: null,
    epoch: 0,
    lease: null,
    counts: false,
    last_status_code: 204,
    error: null,
    created_at,
    completed_at: created_at,
    recovered_at: null,
    ...fields,
  };
};

/** Stores rows by their adapter, in batches. */
export async function store<T>(
  deps: Pick<Deps, "commit">,
  adapter: { create(row: T): Parameters<Deps["commit"]>[0][number] },
  rows: readonly T[],
): Promise<void> {
  for (let start = 0; start < rows.length; start += BATCH) {
    await deps.commit(rows.slice(start, start + BATCH).map((row) => adapter.create(row)));
  }
}

/** Stores very many transactions, past the adapters. */
export async function storeInBulk(rows: Iterable<Transaction>): Promise<void> {
  const writer = db().bulkWriter({ throttling: false });
  const faults: unknown[] = [];
  for (const row of rows) {
    const collection = db().collection("projects").doc(row.project_id).collection("transactions");
    writer.create(collection.doc(row.id), row).catch((error: unknown) => faults.push(error));
  }
  await writer.close();
  if (faults.length > 0) throw faults[0];
}
