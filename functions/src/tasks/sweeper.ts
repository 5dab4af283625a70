import type { Ctx } from "../domain/context.ts";
import type { DispatchCtx } from "../domain/delivery/dispatchEvent.ts";
import type { ChoreCtx } from "../domain/delivery/doChores.ts";
import { sweepChores } from "../domain/delivery/sweepChores.ts";
import { sweepDeliveries } from "../domain/delivery/sweepDeliveries.ts";
import { sweepExpired } from "../domain/delivery/sweepExpired.ts";
import { sweepDevices } from "../domain/device/sweepDevices.ts";
import { sweepOutbox } from "../domain/event/sweepOutbox.ts";
import { finishAll } from "../domain/finishAll.ts";
import { sweepGarbage } from "../domain/garbage/sweepGarbage.ts";

/** A run ends by itself well before the function's 60 s are over; the next one goes on. */
const RUN_MS = 45_000;

type SweeperCtx = Ctx<"garbage" | "templates" | "commit" | "devices"> & DispatchCtx & ChoreCtx;

/** What is swept: what webhooks wait for, what was asked for and not finished, what is to go. */
const STEPS: readonly ((ctx: SweeperCtx, input: { until: Date }) => Promise<unknown>)[] = [
  sweepOutbox,
  sweepDeliveries,
  sweepChores,
  sweepGarbage,
  sweepExpired,
  sweepDevices,
];

/** One run of the sweeper, of all steps at once. One that fails must not keep the others from their work. */
export async function sweep(ctx: SweeperCtx): Promise<void> {
  const until = new Date(ctx.now().getTime() + RUN_MS);
  await finishAll(
    STEPS.map((step) => step(ctx, { until })),
    "the sweeper could not finish",
  );
}
