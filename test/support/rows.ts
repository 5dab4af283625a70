import { randomUUID } from "node:crypto";
import { newKey } from "../../functions/src/domain/credential/key.ts";
import type { Device } from "../../functions/src/domain/device/device.ts";
import type { Scan } from "../../functions/src/domain/scan/scan.ts";
import type { Transaction } from "../../functions/src/domain/transaction/transaction.ts";
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
    app_version: null,
    last_seen_at: null,
    secret_hash: newKey("pd", id).secret_hash,
    created_at: new Date(),
    ...fields,
  };
};

/** One identification at a terminal, unless said otherwise. */
export const newScan = (fields: Pick<Scan, "project_id"> & Partial<Scan>): Scan => ({
  id: randomUUID(),
  device_id: randomUUID(),
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
