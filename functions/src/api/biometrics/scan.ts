import * as z from "zod";
import { type ScanCtx, type ScannedPalm, scanPalm } from "../../domain/palm/scanPalm.ts";
import { defineRoute } from "../../http/route.ts";
import { CURRENCIES } from "../currencies.ts";
import { text } from "../fields.ts";
import { TransactionShape, toTransaction } from "../transactions.ts";
import { IdentificationShape, ONE_SOURCE, PalmSample, toSample } from "./schemas.ts";

const NOT_MONEY =
  "must be the ISO 4217 code of money in use, in upper case, such as EUR; codes of withdrawn currencies, funds, " +
  "metals and tests are not accepted";

const ScanBody = PalmSample.safeExtend({
  transaction: z
    .strictObject({
      amount_minor: z
        .int()
        .min(1)
        .max(999_999_999_999)
        .meta({ description: "In the currency's minor unit." }),
      currency: z
        .enum(CURRENCIES, { error: ({ input }) => (input === undefined ? undefined : NOT_MONEY) })
        .meta({ id: "Currency", description: "An active code of ISO 4217 that is money, in upper case." }),
      reference: text(200).optional().meta({ description: "The merchant's own word for it." }),
    })
    .optional()
    .meta({ description: "What is to be paid; `Idempotency-Key` is required with it." }),
}).meta({ id: "TerminalScan", ...ONE_SOURCE });

const ScannedShape = IdentificationShape.extend({ transaction: TransactionShape.nullable() }).meta({
  id: "ScannedPalm",
});

const toScanned = ({ transaction, ...answer }: ScannedPalm): z.infer<typeof ScannedShape> => ({
  ...answer,
  transaction: transaction && toTransaction(transaction),
});

export const scan = defineRoute({
  method: "POST",
  path: "/v1/terminal/scans",
  operationId: "scan",
  fn: "identify",
  summary: "Scan a palm at the door",
  description:
    "Identifies a palm among those of the terminal's project, in a global environment among all, whose `member_id` is " +
    "`null`. Leaves one scan; a `transaction` that is sent is approved, or declined where nobody was identified. In mode " +
    "`demo` a success emits `demo.scan.success`.",
  auth: ["deviceKey"],
  reachedBy: "direct",
  rate: "organization",
  scope: "terminalPalms",
  requires: ["enabled"],
  idempotent: true,
  needsKey: ({ transaction }) => transaction !== undefined,
  audits: null,
  begins: (ctx: ScanCtx, environment_id) => ctx.galleries.followKnown(environment_id),
  body: ScanBody,
  bodyLimit: "sample",
  response: ScannedShape,
  errors: ["expired", "poor_quality", "no_hand", "hand_mismatch"],
  answers: toScanned,
  async handle(ctx: ScanCtx, { project, environment, device, begun: following, body, signal }) {
    const { transaction, ...sample } = body;
    return scanPalm(ctx, {
      ...{ project, environment, device: device.value, following, signal, transaction },
      sample: toSample(sample, ""),
    });
  },
});
