import * as z from "zod";
import type { Ctx } from "../../domain/context.ts";
import { streamCsv } from "../../http/csv.ts";
import { rangeQuery, readRange } from "../../http/range.ts";
import { defineRoute } from "../../http/route.ts";
import { TransactionShape, toTransaction } from "../transactions.ts";

export const exportTransactions = defineRoute({
  method: "GET",
  path: "/v1/project/{project_id}/transactions/csv",
  operationId: "exportTransactions",
  fn: "analytics",
  summary: "Export transactions as CSV",
  description:
    "The transactions of a range, newest first, as RFC 4180: a header row, CRLF, no byte order mark, `null` as an " +
    "empty field. Without its last CRLF it is incomplete. Text that a spreadsheet would take for a formula (it " +
    "begins with `=`, `+`, `-`, `@`, tab or CR) gets a leading `'`. Hosting cuts an answer after 60 s; what takes " +
    "longer is asked of the function's own URL.",
  auth: ["firebase", "apiKey"],
  permission: "transactions:read",
  scope: "project",
  query: z.strictObject(rangeQuery),
  response: z.string(),
  mediaType: "text/csv; charset=utf-8",
  errors: [],
  async handle(ctx: Ctx<"transactions">, { project, query }) {
    const range = readRange(query, ctx.now());
    const name = `transactions_${compact(range.from)}_${compact(range.to)}.csv`;
    return streamCsv(TransactionShape, ctx.transactions.ofProject(project.id, range), toTransaction, name);
  },
});

/** `YYYYMMDDTHHMMSSZ` */
const compact = (date: Date): string => date.toISOString().replaceAll(/[-:]|\.\d{3}/g, "");
