import type { EnrollmentSession } from "../../clients/typescript/src/index.ts";
import { NoAnswer, Refused } from "./api.ts";
import { capture, type Ended } from "./enroll.ts";
import type { Registered } from "./identity.ts";
import type { Key, Keys } from "./keys.ts";
import { type Known, LONGEST_WAIT_S, Poll } from "./poll.ts";
import { register } from "./register.ts";
import { pay, scan, settlePending, tellUnknown } from "./scan.ts";
import { type Money, showMoney } from "./screen.ts";
import type { Terminal } from "./terminal.ts";

/** What is done without anybody at the keys: an enrolment if wanted, then scans, then a payment. */
export interface Job {
  enroll: boolean;
  scans: number;
  payment: Money | undefined;
}

/** Does a job, and ends. @returns whether all of it went as hoped: enrolled, identified, approved */
export async function runJob(terminal: Terminal, { enroll, scans, payment }: Job): Promise<boolean> {
  return asDevice(terminal, async (me) => {
    await orTell(terminal, "payment", () => settlePending(terminal, me));
    const poll = new Poll(terminal, me);
    if (enroll) {
      const { status } = await nextEnrolment(terminal, me, poll);
      if (status !== "completed") return false;
    } else {
      await poll.next(undefined, 0);
    }
    let isWell = true;
    for (let i = 0; i < scans; i++) {
      const found = await orTell(terminal, "scan", () => scan(terminal, me));
      isWell &&= found?.outcome === "identified";
    }
    if (!payment) return isWell;
    const paid = await orTell(terminal, "payment", () => pay(terminal, me, payment));
    return isWell && paid?.transaction?.status === "approved";
  });
}

async function nextEnrolment(terminal: Terminal, me: Registered, poll: Poll): Promise<Ended> {
  for (;;) {
    const { session } = (await poll.next(undefined, LONGEST_WAIT_S)).body;
    if (session) return enrol(terminal, me, poll, session);
  }
}

/** Captures a palm that was not enrolled in this run, of the hand that is asked for, where the pictures have such. */
async function enrol(
  terminal: Terminal,
  me: Registered,
  poll: Poll,
  session: EnrollmentSession,
): Promise<Ended> {
  const { camera } = terminal;
  camera.turnToNew(session.hand);
  const ended = await capture(terminal, me, poll, session);
  if (ended.status === "completed") camera.markEnrolled();
  return ended;
}

/**
 * Stands at the door until it is switched off: polls, enrols when it is told to, and does what keys say.
 * @param money what the payment key asks for
 */
export async function runDoor(
  terminal: Terminal,
  money: Money,
  keys: Keys | undefined,
  status: (text: string) => void,
): Promise<boolean> {
  return asDevice(terminal, async (me) => {
    const help = keys
      ? `Enter scans · p pays ${showMoney(money)} · n next hand (${terminal.camera.names.length}) · q quits`
      : "";
    const poll = new Poll(terminal, me);
    let known: Known | undefined;
    /** A session in which no sample is taken: nothing can be done but to wait for its end. */
    let hopeless: string | undefined;
    for (;;) {
      status(help);
      const heard = await untilKey(keys, terminal.signal, (signal) =>
        poll.next(known, LONGEST_WAIT_S, signal),
      );
      status("");
      if ("key" in heard) {
        await obey(heard.key, terminal, me, money);
        // Whoever has pressed twice does not pay twice.
        keys?.forget();
        continue;
      }
      const { session, device } = heard.value.body;
      if (device.enabled) await orTell(terminal, "payment", () => settlePending(terminal, me));
      known = session ?? undefined;
      if (!session || session.session_id === hopeless) continue;
      const ended = await enrol(terminal, me, poll, session);
      if (ended.status === "refused") hopeless = session.session_id;
      else known = undefined;
      keys?.forget();
    }
  });
}

async function obey(key: Key, terminal: Terminal, me: Registered, money: Money): Promise<void> {
  const { camera, tell } = terminal;
  if (key === "scan") await orTell(terminal, "scan", () => scan(terminal, me));
  if (key === "pay") await orTell(terminal, "payment", () => pay(terminal, me, money));
  if (key === "next") {
    camera.turn();
    tell({ event: "hand", palm: camera.front.name, pictures: camera.front.pictures });
  }
}

/** A refusal is told, and the next one comes. A key that is dead is another matter. */
async function orTell<T>(
  { tell }: Terminal,
  what: "scan" | "payment",
  act: () => Promise<T>,
): Promise<T | undefined> {
  try {
    return await act();
  } catch (error) {
    if (error instanceof NoAnswer) return undefined;
    if (!(error instanceof Refused) || error.status === 401) throw error;
    tell({ event: "refused", what, status: error.status, code: error.code, detail: error.message });
    return undefined;
  }
}

/** Whichever comes first. What has not come by then is given up. */
async function untilKey<T>(
  keys: Keys | undefined,
  off: AbortSignal,
  wait: (signal: AbortSignal) => Promise<T>,
): Promise<{ key: Key } | { value: T }> {
  const enough = new AbortController();
  const waiting = wait(AbortSignal.any([off, enough.signal])).then((value) => ({ value }));
  if (!keys) return waiting;
  try {
    return await Promise.race([waiting, keys.next(enough.signal).then((key) => ({ key }))]);
  } finally {
    enough.abort();
    await waiting.catch(() => undefined);
  }
}

/** The server does not know this terminal any more. */
export class Removed extends Error {}

async function asDevice(terminal: Terminal, act: (me: Registered) => Promise<boolean>): Promise<boolean> {
  const me = await register(terminal);
  try {
    return await act(me);
  } catch (error) {
    if (!(error instanceof Refused) || error.status !== 401) throw error;
    const { folder, tell } = terminal;
    tell({ event: "removed", detail: error.message });
    const pending = folder.payment;
    if (pending) tellUnknown(tell, pending, "the terminal was removed before it was answered");
    throw new Removed();
  }
}
