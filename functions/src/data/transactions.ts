import type { Firestore } from "@google-cloud/firestore";
import * as z from "zod";
import type { Transaction, Transactions } from "../domain/transaction/transaction.ts";
import { Documents, date, within } from "./firestore.ts";

const documents = new Documents<Transaction>(
  z.object({
    id: z.string(),
    project_id: z.string(),
    device_id: z.string(),
    member_id: z.string().nullable(),
    scan_id: z.string(),
    status: z.enum(["approved", "declined"]),
    amount_minor: z.number(),
    currency: z.string(),
    reference: z.string().nullable(),
    created_at: date,
  }),
);

/** `projects/{project}/transactions/{transaction}` */
export function createTransactions(db: Firestore): Transactions {
  const transactionsOf = (project_id: string) =>
    db.collection("projects").doc(project_id).collection("transactions");
  return {
    create: (transaction) =>
      documents.create(transactionsOf(transaction.project_id).doc(transaction.id), transaction),
    ofProject: (project_id, range) => documents.list(within(transactionsOf(project_id), range)),
  };
}
