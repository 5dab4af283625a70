import * as z from "zod";
import type { Ctx } from "../../domain/context.ts";
import { asksForPage, pageQuery, pageShape, readPage } from "../../http/page.ts";
import { rangeQuery, readRange } from "../../http/range.ts";
import { defineRoute } from "../../http/route.ts";
import { streamArray } from "../../http/stream.ts";
import { TransactionShape, toTransaction } from "../transactions.ts";

export const listTransactions = defineRoute({
  method: "GET",
  path: "/v1/project/{project_id}/transactions",
  operationId: "listTransactions",
  fn: "analytics",
  summary: "List transactions",
  description:
    "The transactions of a range, newest first, as an array that is streamed: without its `]` it is incomplete. " +
    "With `per_page`, `page` or `cursor` one page of them. Hosting cuts an answer after 60 s; what takes longer is " +
    "asked of the function's own URL.",
  auth: ["firebase", "apiKey"],
  permission: "transactions:read",
  scope: "project",
  query: z.strictObject({ ...rangeQuery, ...pageQuery(10_000) }),
  response: z.union([z.array(TransactionShape), pageShape(TransactionShape).meta({ id: "TransactionPage" })]),
  errors: [],
  async handle(ctx: Ctx<"transactions">, { project, query }) {
    const range = readRange(query, ctx.now());
    const transactions = ctx.transactions.ofProject(project.id, range);
    return asksForPage(query)
      ? readPage(transactions, query, toTransaction, range)
      : streamArray(TransactionShape, transactions.stream(), toTransaction);
  },
});
