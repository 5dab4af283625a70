import * as z from "zod";
import type { Transaction } from "../domain/transaction/transaction.ts";
import { time, toTime, uuid } from "./fields.ts";

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
