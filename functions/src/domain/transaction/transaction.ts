import type { Listing, Range } from "../list.ts";
import type { Write } from "../store.ts";

/** A payment by palm at a terminal: declined where nobody was identified. */
export interface Transaction {
  id: string;
  project_id: string;
  device_id: string;
  member_id: string | null;
  scan_id: string;
  status: "approved" | "declined";
  /** In the currency's minor unit (cents). */
  amount_minor: number;
  /** ISO 4217, upper case. */
  currency: string;
  /** The merchant's own word for it. */
  reference: string | null;
  created_at: Date;
}

export interface Transactions {
  create(transaction: Transaction): Write;
  ofProject(project_id: string, range: Range): Listing<Transaction>;
}
