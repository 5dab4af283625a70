import { randomUUID } from "node:crypto";
import type { EnrollmentSession } from "../../clients/typescript/src/index.ts";
import { type Answer, Refused } from "./api.ts";
import type { Registered } from "./identity.ts";
import { LONGEST_WAIT_S, type Poll } from "./poll.ts";
import type { Terminal } from "./terminal.ts";

/** A hand is lifted and held over the camera again. */
const BETWEEN_MS = 1000;
/** After every picture was refused, and twice as long each further time. */
const ALL_REFUSED_MS = 5000;
const LONGEST_PAUSE_MS = 60_000;

const isActive = ({ status }: EnrollmentSession): boolean => status === "pending" || status === "capturing";

/** How a session ended for this terminal. */
export interface Ended {
  /** `refused`: no sample is taken, though it goes on. */
  status: EnrollmentSession["status"] | "refused";
  code: string | null;
}

/**
 * Captures a palm for a session, until the session ends. Each picture is one sample, however often it has to be sent.
 * Between two of them the terminal asks, with the pair that it knows, whether the session still goes on.
 */
export async function capture(
  terminal: Terminal,
  { device_key }: Registered,
  poll: Poll,
  began: EnrollmentSession,
): Promise<Ended> {
  const { api, camera, tell, signal } = terminal;
  const { session_id, member_id, hand, samples_accepted, samples_required, expires_at } = began;
  const palm = camera.front;
  tell({
    event: "session",
    session_id,
    member_id,
    hand,
    samples_accepted,
    samples_required,
    expires_at,
    palm: palm.name,
  });

  let session = began;
  let refused: Refused | undefined;
  for (let refusals = 0; isActive(session); ) {
    const { file, picture, ...taken } = camera.present();
    const sample = { sample_id: randomUUID(), ...picture, ...taken };
    let next = session;
    let code: string | null = null;
    try {
      ({ body: next } = await api.submitSample(device_key, session_id, sample, signal));
      code = next.last_rejection?.code ?? null;
    } catch (error) {
      if (!(error instanceof Refused) || error.status === 401) throw error;
      // This picture is none, the next one may be; anything else is about the session.
      const isAboutPicture = [400, 413, 422].includes(error.status);
      if (!isAboutPicture) refused = error;
      code = error.code;
    }
    if (refused) break;
    // Also when it was the lost answer to an earlier attempt: nobody else sends samples of this session.
    const accepted = next.samples_accepted > session.samples_accepted;
    session = next;
    tell({
      event: "sample",
      picture: file,
      accepted,
      code: accepted ? null : code,
      samples_accepted: session.samples_accepted,
      samples_required,
    });
    refusals = accepted ? 0 : refusals + 1;
    if (!isActive(session)) break;

    const tries = Math.max(0, refusals - palm.pictures);
    const isEveryOne = refusals >= palm.pictures;
    const pause = isEveryOne
      ? Math.min(ALL_REFUSED_MS * 2 ** Math.min(tries, 10), LONGEST_PAUSE_MS)
      : BETWEEN_MS;
    if (isEveryOne) tell({ event: "all_refused", palm: palm.name, next_in_s: pause / 1000 });
    const lasting = await stillGoesOn(terminal, poll, session, pause);
    if ("status" in lasting) return end(terminal, began, lasting);
    session = lasting.session;
  }
  if (!refused) {
    const { status, last_rejection } = session;
    return end(terminal, began, {
      status,
      code: status === "failed" ? (last_rejection?.code ?? null) : null,
    });
  }
  // Whether it has ended, or is not for this terminal to serve, is asked.
  const answer = await poll.next(undefined, 0);
  if (answer.body.session?.session_id !== session_id) return end(terminal, began, fateOf(answer, session));
  const { status, code, message: detail } = refused;
  tell({ event: "refused", what: "sample", status, code, detail });
  return end(terminal, began, { status: "refused", code });
}

/** Waits, and learns meanwhile what becomes of the session. */
async function stillGoesOn(
  { world }: Terminal,
  poll: Poll,
  session: EnrollmentSession,
  pause: number,
): Promise<{ session: EnrollmentSession } | Ended> {
  const until = world.now() + pause;
  for (;;) {
    const left = Math.ceil((until - world.now()) / 1000);
    if (left <= 0) return { session };
    const answer = await poll.next(session, Math.min(left, LONGEST_WAIT_S));
    const now = answer.body.session;
    if (now?.session_id !== session.session_id) return fateOf(answer, session);
    session = now;
  }
}

/** A terminal is told that its session has ended, not how: by its time, or before. */
function fateOf({ server_ms }: Answer<unknown>, { expires_at }: EnrollmentSession): Ended {
  // `Date` tells whole seconds.
  const isPast = server_ms !== undefined && server_ms + 1000 > Date.parse(expires_at);
  return { status: isPast ? "expired" : "cancelled", code: null };
}

function end({ tell }: Terminal, { session_id, member_id }: EnrollmentSession, ended: Ended): Ended {
  tell({ event: "ended", session_id, member_id, ...ended });
  return ended;
}
