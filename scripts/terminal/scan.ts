import { randomUUID } from "node:crypto";
import type { ScannedPalm } from "../../clients/typescript/src/index.ts";
import { Refused } from "./api.ts";
import type { Payment, Registered } from "./identity.ts";
import type { Money, Tell } from "./screen.ts";
import type { Terminal } from "./terminal.ts";

/** Whoever stands at the door does not wait longer for a network that is not there. */
const PATIENCE_MS = 30_000;
/** The server knows a key for 24 hours: afterwards the same payment would be another one. The clock may be a bit off. */
const ASKED_AGAIN_MS = 23 * 60 * 60_000;

/** Whose palm is in front? @throws Refused, NoAnswer */
export async function scan(terminal: Terminal, { device_key }: Registered): Promise<ScannedPalm> {
  const { api, camera, tell, signal } = terminal;
  const { file, picture } = camera.present();
  const { body } = await api.scan(device_key, JSON.stringify(picture), randomUUID(), signal, {
    within_ms: PATIENCE_MS,
  });
  tellScan(tell, body, file);
  return body;
}

/**
 * A payment by the palm in front. What is sent, and its key, are on the disk before it is sent and until it is answered:
 * whatever happens meanwhile, it is the same payment that is asked again. One that is not answered comes first.
 */
export async function pay(terminal: Terminal, me: Registered, money: Money): Promise<ScannedPalm> {
  await settlePending(terminal, me);
  const { file, picture } = terminal.camera.present();
  const { reference, ...amount } = money;
  const transaction = reference === null ? amount : { ...amount, reference };
  const payment: Payment = {
    ...money,
    device_id: me.device_id,
    idempotency_key: randomUUID(),
    created_at: new Date(terminal.world.now()).toISOString(),
    body: JSON.stringify({ ...picture, transaction }),
  };
  terminal.folder.payment = payment;
  return settle(terminal, me, payment, file);
}

/**
 * Asks again what an earlier run was not told.
 * @returns what came of it; undefined when there was nothing to ask
 */
export async function settlePending(terminal: Terminal, me: Registered): Promise<ScannedPalm | undefined> {
  const { folder, tell, world } = terminal;
  const payment = folder.payment;
  if (payment === undefined) return undefined;
  const reason =
    payment.device_id !== me.device_id
      ? "it was another terminal's"
      : world.now() - Date.parse(payment.created_at) > ASKED_AGAIN_MS
        ? "it is too old to be asked again"
        : undefined;
  if (reason !== undefined) {
    tellUnknown(tell, payment, reason);
    folder.payment = undefined;
    return undefined;
  }
  tell({ event: "payment_pending", ...moneyOf(payment), created_at: payment.created_at });
  return settle(terminal, me, payment, null);
}

/** @param picture null when an earlier run has taken it, and has perhaps sent it */
async function settle(
  { api, folder, tell, signal }: Terminal,
  { device_key }: Registered,
  payment: Payment,
  picture: string | null,
): Promise<ScannedPalm> {
  let answer: ScannedPalm;
  try {
    ({ body: answer } = await api.scan(device_key, payment.body, payment.idempotency_key, signal));
  } catch (error) {
    // These are said before the key is looked at: a lost attempt may have paid.
    const saysNothing = error instanceof Refused && [401, 403, 404].includes(error.status);
    const isUndecided = saysNothing && (error.lost || picture === null);
    if (error instanceof Refused && !isUndecided) folder.payment = undefined;
    throw error;
  }
  folder.payment = undefined;
  tellScan(tell, answer, picture);
  if (answer.transaction) {
    const { id: transaction_id, status, amount_minor, currency, reference } = answer.transaction;
    tell({ event: "payment", transaction_id, status, amount_minor, currency, reference });
  }
  return answer;
}

const moneyOf = ({ amount_minor, currency, reference }: Money): Money => ({
  amount_minor,
  currency,
  reference,
});

/** That it is not known what became of a payment. */
export const tellUnknown = (tell: Tell, payment: Payment, reason: string): void =>
  tell({ event: "payment_unknown", ...moneyOf(payment), created_at: payment.created_at, reason });

function tellScan(tell: Tell, scan: ScannedPalm, picture: string | null): void {
  const { scan_id, outcome, member_id, score, threshold, searched, took_ms } = scan;
  tell({ event: "scan", picture, scan_id, outcome, member_id, score, threshold, searched, took_ms });
}
