import type { Ctx } from "../context.ts";
import { type DispatchCtx, dispatchSoon } from "../delivery/dispatchEvent.ts";
import type { Device } from "../device/device.ts";
import type { Environment } from "../environment/environment.ts";
import { unavailable } from "../errors.ts";
import { newEvent } from "../event/event.ts";
import type { Project } from "../project/project.ts";
import type { Transaction } from "../transaction/transaction.ts";
import type { Following } from "./galleries.ts";
import type { Identification } from "./identifyPalm.ts";
import { lookUp } from "./lookUp.ts";
import type { Sample } from "./sample.ts";

export type ScanCtx = DispatchCtx & Ctx<"extraction" | "galleries" | "palms" | "scans" | "transactions">;

/** What a terminal is answered. */
export interface ScannedPalm extends Identification {
  transaction: Transaction | null;
}

/** What is to be paid by palm. */
type Payment = Pick<Transaction, "amount_minor" | "currency"> & { reference?: string | undefined };

/**
 * Whose palm is this, at a terminal? Scan, transaction and, in mode `demo`, the event of a success are one batch.
 * @throws DomainError `invalid_request`, `too_large`, `expired`, `poor_quality`, `no_hand`, `hand_mismatch`, `unavailable`.
 */
export async function scanPalm(
  ctx: ScanCtx,
  input: {
    project: Project;
    environment: Environment;
    device: Device;
    sample: Sample;
    transaction?: Payment | undefined;
    following?: Following | undefined;
    /** Aborted when the sender disconnects. */
    signal?: AbortSignal | undefined;
  },
): Promise<ScannedPalm> {
  const started = ctx.now();
  const { project, device, sample, transaction: payment } = input;
  const following = input.following ?? ctx.galleries.follow(input.environment);
  const answer = await lookUp(ctx, { ...input, following });
  const { outcome, member_id, score } = answer;
  const identified = outcome === "identified";
  const at = ctx.now();
  const place = { project_id: project.id, device_id: device.id };
  const scan_id = ctx.id();
  const transaction: Transaction | null = payment
    ? {
        id: ctx.id(),
        ...place,
        member_id,
        scan_id,
        status: identified ? "approved" : "declined",
        amount_minor: payment.amount_minor,
        currency: payment.currency,
        reference: payment.reference ?? null,
        created_at: at,
      }
    : null;
  const event =
    identified && device.mode === "demo"
      ? newEvent(
          "demo.scan.success",
          { id: ctx.id(), project_id: project.id, at },
          { scan_id, device_id: device.id, member_id, scanned_at: at },
        )
      : null;
  const pad_score = sample.pad_score ?? null;
  const writes = [
    ctx.scans.create({
      ...{
        id: scan_id,
        ...place,
        api_key_id: null,
        source: "terminal",
        operation: "identify",
        outcome,
        member_id,
        score,
      },
      ...{ pad_score, created_at: at },
    }),
    ...(transaction ? [ctx.transactions.create(transaction)] : []),
    ...(event ? [ctx.events.create(event)] : []),
  ];
  const took_ms = at.getTime() - started.getTime();
  const result: ScannedPalm = { scan_id, ...answer, took_ms, transaction };
  const committed = await ctx.commit(writes, { target: { type: "scan", id: scan_id }, result });
  if (committed === "conflict") throw unavailable();
  if (event) await dispatchSoon(ctx, event);
  return result;
}
