import { createHash } from "node:crypto";
import type { Firestore } from "@google-cloud/firestore";
import * as z from "zod";
import type { Budget, Budgets } from "../domain/budget/budget.ts";
import type { Stored } from "../domain/store.ts";
import { Documents, date } from "./firestore.ts";

/** `expires_at`: when the last grant has ended, and the document says nothing any more. */
interface BudgetRecord extends Budget {
  expires_at: Date;
}

const documents = new Documents<BudgetRecord>(
  z.object({ grants: z.array(z.object({ until: z.number(), tokens: z.number() })), expires_at: date }),
);

/** `budgets/{sha256}-{shard}`: a subject may be an address, so only its hash is stored. */
export function createBudgets(db: Firestore): Budgets {
  const ref = (subject: string, shard: number) =>
    db.collection("budgets").doc(`${createHash("sha256").update(subject).digest("hex")}-${shard}`);
  return {
    get: (subject, shard) => documents.get(ref(subject, shard)),
    put: (subject, shard, was, { grants }) =>
      documents.put(ref(subject, shard), was as Stored<BudgetRecord> | undefined, {
        grants: [...grants],
        expires_at: new Date(Math.max(0, ...grants.map(({ until }) => until))),
      }),
  };
}
