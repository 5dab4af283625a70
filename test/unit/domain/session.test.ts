import assert from "node:assert/strict";
import { type Device, dueAt, endSession } from "../../../functions/src/domain/device/device.ts";
import {
  accept,
  activeSession,
  advance,
  asOf,
  complete,
  fail,
  type HeldSample,
  isActive,
  MACHINE,
  type Party,
  refuse,
  type Session,
  type SessionEvent,
  STATUSES,
  startSession,
} from "../../../functions/src/domain/enrollment/session.ts";

const START = new Date("2026-01-02T03:04:05.678Z");
const later = (ms: number) => new Date(START.getTime() + ms);

const started = startSession({
  id: "s",
  device_id: "d",
  project_id: "p",
  member_id: "m",
  hand: "left",
  samples_required: 3,
  created_at: START,
  expires_at: later(120_000),
});
const sample = (sample_id: string): HeldSample => ({
  sample_id,
  hand: "left",
  pad_score: 0.9,
  template: Uint8Array.of(1, 2, 3),
});

/** Where each event leads from each status; from everywhere else it cannot happen. */
const LEADS: Record<SessionEvent, [parties: Party[], Partial<Record<Session["status"], Session["status"]>>]> =
  {
    accept: [["terminal"], { pending: "capturing", capturing: "capturing" }],
    refuse: [["terminal"], { pending: "pending", capturing: "capturing" }],
    complete: [["terminal"], { pending: "completed", capturing: "completed" }],
    fail: [["terminal"], { pending: "failed", capturing: "failed" }],
    cancel: [["caller", "house"], { pending: "cancelled", capturing: "cancelled" }],
    expire: [["clock"], { pending: "expired", capturing: "expired" }],
  };
const PARTIES: Party[] = ["terminal", "caller", "house", "clock"];

describe("An enrolment session", () => {
  it("begins pending, in version 1, without samples", () => {
    assert.deepEqual(started, {
      id: "s",
      device_id: "d",
      project_id: "p",
      member_id: "m",
      hand: "left",
      status: "pending",
      samples_required: 3,
      samples_accepted: 0,
      last_rejection: null,
      version: 1,
      created_at: START,
      updated_at: START,
      expires_at: later(120_000),
      completed_at: null,
      sample_ids: [],
      held: [],
    });
  });

  it("knows these events, and no other", () => assert.deepEqual(Object.keys(MACHINE), Object.keys(LEADS)));

  for (const event of Object.keys(LEADS) as SessionEvent[]) {
    const [parties, to] = LEADS[event];
    for (const status of STATUSES) {
      const next = to[status];
      const does = next ? `is ${next} after` : "cannot";
      it(`that is ${status} ${does} ${event}, by ${next ? parties.join(" and ") : "anybody"}`, () => {
        const was: Session = { ...started, status, version: 4, held: [sample("a")] };
        for (const party of PARTIES) {
          const advancing = () => advance(was, event, party, later(5));
          if (!next || !parties.includes(party)) {
            assert.throws(advancing, { message: `a ${status} session cannot ${event} by the ${party}` });
            continue;
          }
          const held = ["pending", "capturing"].includes(next) ? was.held : [];
          assert.deepEqual(advancing(), { ...was, status: next, version: 5, updated_at: later(5), held });
        }
      });
    }
  }

  it("keeps each accepted sample, and remembers each that was judged, until the last one completes it", () => {
    const one = accept(started, sample("a"), later(1));
    const two = refuse(one, "b", "poor_quality", later(2));
    const three = accept(two, sample("c"), later(3));
    assert.deepEqual(
      [one, two, three].map(({ status, version, samples_accepted, sample_ids, held, last_rejection }) => ({
        ...{ status, version, samples_accepted, sample_ids, last_rejection },
        held: held.map(({ sample_id }) => sample_id),
      })),
      [
        {
          ...{ status: "capturing", version: 2, samples_accepted: 1, sample_ids: ["a"], held: ["a"] },
          last_rejection: null,
        },
        {
          ...{ status: "capturing", version: 3, samples_accepted: 1, sample_ids: ["a", "b"], held: ["a"] },
          last_rejection: { code: "poor_quality", at: later(2) },
        },
        {
          ...{
            status: "capturing",
            version: 4,
            samples_accepted: 2,
            sample_ids: ["a", "b", "c"],
            held: ["a", "c"],
          },
          last_rejection: { code: "poor_quality", at: later(2) },
        },
      ],
    );
    assert.deepEqual(complete(three, "d", later(4)), {
      ...three,
      status: "completed",
      version: 5,
      samples_accepted: 3,
      sample_ids: ["a", "b", "c", "d"],
      held: [],
      updated_at: later(4),
      completed_at: later(4),
    });
    assert.deepEqual(fail(three, "d", "duplicate_palm", later(4)), {
      ...three,
      status: "failed",
      version: 5,
      samples_accepted: 3,
      sample_ids: ["a", "b", "c", "d"],
      held: [],
      updated_at: later(4),
      last_rejection: { code: "duplicate_palm", at: later(4) },
    });
  });

  it("ends by itself at its time: not before, and then the same whenever it is looked at", () => {
    const capturing = accept(started, sample("a"), later(1));
    const { expires_at } = started;
    const before = new Date(expires_at.getTime() - 1);
    assert.equal(asOf(capturing, before), capturing);
    const expired = { ...capturing, status: "expired", version: 3, updated_at: expires_at, held: [] };
    assert.deepEqual(asOf(capturing, expires_at), expired);
    assert.deepEqual(asOf(capturing, later(86_400_000)), expired);
    const ended = complete(capturing, "b", later(2));
    assert.equal(asOf(ended, later(86_400_000)), ended);
  });

  it("is the active one of its device until it ends", () => {
    const { expires_at } = started;
    assert.equal(activeSession({ session: null }, START), undefined);
    assert.equal(activeSession({ session: started }, START), started);
    assert.equal(activeSession({ session: started }, expires_at), undefined);
    assert.equal(activeSession({ session: advance(started, "cancel", "caller", START) }, START), undefined);
    assert.deepEqual(
      STATUSES.filter((status) => isActive({ ...started, status })),
      ["pending", "capturing"],
    );
  });
});

describe("A device", () => {
  const device = (fields: Partial<Device>) => ({ unclaimed_key: null, session: null, ...fields }) as Device;
  const unclaimed_key = { kid: "k", sealed: Uint8Array.of(1), until: later(60_000) };

  it("is due when its session expires, or its key is not fetched, whichever is first", () => {
    const cancelled = advance(started, "cancel", "caller", START);
    assert.equal(dueAt(device({})), null);
    assert.equal(dueAt(device({ session: cancelled })), null);
    assert.deepEqual(dueAt(device({ session: started })), started.expires_at);
    assert.deepEqual(dueAt(device({ unclaimed_key })), unclaimed_key.until);
    assert.deepEqual(dueAt(device({ session: started, unclaimed_key })), unclaimed_key.until);
  });

  it("lets go of its active session, and of no other", () => {
    const cancelled = advance(started, "cancel", "house", later(7));
    assert.deepEqual(endSession(device({ session: started }), later(7)), device({ session: cancelled }));
    for (const session of [null, cancelled]) {
      const without = device({ session });
      assert.deepEqual(endSession(without, later(8)), without);
    }
    const expired = asOf(started, started.expires_at);
    assert.equal(expired.status, "expired");
    assert.deepEqual(
      endSession(device({ session: started }), started.expires_at),
      device({ session: expired }),
    );
  });
});
