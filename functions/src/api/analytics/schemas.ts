import * as z from "zod";
import type { Scan } from "../../domain/scan/scan.ts";
import type { Transaction } from "../../domain/transaction/transaction.ts";
import { time, toTime, uuid } from "../fields.ts";

export const ScanShape = z
  .strictObject({
    id: uuid,
    project_id: uuid,
    device_id: uuid.nullable(),
    source: z.enum(["api", "terminal"]),
    operation: z.enum(["identify", "verify", "enroll"]),
    outcome: z.enum(["identified", "no_match", "match", "enrolled"]).meta({
      description:
        "Of identify `identified` or `no_match`, of verify `match` or `no_match`, of an enrolment `enrolled`.",
    }),
    member_id: uuid.nullable().meta({ description: "`null` but on an `identified` scan." }),
    score: z.number().nullable(),
    created_at: time,
  })
  .meta({ id: "Scan" });

/** A scan as the wire shows it: without the device's liveness score. */
export const toScan = ({ pad_score: _, ...scan }: Scan): z.infer<typeof ScanShape> => ({
  ...scan,
  created_at: toTime(scan.created_at),
});

export const TransactionShape = z
  .strictObject({
    id: uuid,
    project_id: uuid,
    device_id: uuid,
    member_id: uuid.nullable(),
    scan_id: uuid,
    status: z.enum(["approved", "declined"]).meta({ description: "`declined` where nobody was identified." }),
    amount_minor: z.int().min(1).meta({ description: "In the currency's minor unit." }),
    currency: z.string().meta({ description: "ISO 4217, upper case." }),
    reference: z.string().nullable(),
    created_at: time,
  })
  .meta({ id: "Transaction" });

export const toTransaction = (transaction: Transaction): z.infer<typeof TransactionShape> => ({
  ...transaction,
  created_at: toTime(transaction.created_at),
});
