import assert from "node:assert/strict";
import type { Ports } from "../../../functions/src/domain/context.ts";
import type { Device, Devices, DeviceWatcher } from "../../../functions/src/domain/device/device.ts";
import { nextCommand } from "../../../functions/src/domain/device/nextCommand.ts";
import { pollEnrollment } from "../../../functions/src/domain/enrollment/pollEnrollment.ts";
import { advance, refuse, type Session, TOLD_MS } from "../../../functions/src/domain/enrollment/session.ts";
import { Formats } from "../../../functions/src/domain/environment/formats.ts";
import type { Stored, Version, Write } from "../../../functions/src/domain/store.ts";
import { newDevice, newSession } from "../../support/rows.ts";
import { virtualClock } from "../../support/virtual-clock.ts";

type FormatsPorts = Pick<Ports, "environments" | "projects">;

const START = Date.parse("2026-01-02T03:04:05Z");
const at = (ms: number) => new Date(START + ms);
const WAIT_MS = 25_000;

const stored = (value: Device): Stored<Device> => ({ value, version: {} as Version });

/** A device in memory, what it is asked for and what listens to it. */
function newWorld(fields: Partial<Device> = {}, session?: Partial<Session>) {
  const clock = virtualClock({ start: START });
  const first = newDevice({
    project_id: "p",
    last_seen_at: at(-1000),
    created_at: at(-86_400_000),
    ...fields,
  });
  let device: Device | undefined = {
    ...first,
    session: session
      ? newSession({ device_id: first.id, project_id: "p", created_at: at(-1000), ...session })
      : null,
  };
  const listeners = new Set<DeviceWatcher>();
  const counts = { reads: 0, listeners: 0, snapshots: 0, writes: 0 };
  let commits: "work" | "fail" = "work";
  const set = (now: Device | undefined) => {
    device = now;
    for (const { next } of listeners) {
      counts.snapshots++;
      next(device && stored(device));
    }
  };
  const devices = {
    async get() {
      counts.reads++;
      return device && stored(device);
    },
    touch: (_id: string, seen: Partial<Device>) =>
      (() => device && set({ ...device, ...seen })) as unknown as Write,
    replace: (_was: Stored<Device>, now: Device) => (() => set(now)) as unknown as Write,
    watch(_id: string, watcher: DeviceWatcher) {
      counts.listeners++;
      listeners.add(watcher);
      void Promise.resolve().then(() => {
        counts.snapshots++;
        watcher.next(device && stored(device));
      });
      return () => listeners.delete(watcher);
    },
  } as unknown as Devices;
  const abort = new AbortController();
  const ctx = {
    ...clock,
    devices,
    formats: { of: async () => "palm-code.v1" as const },
    async commit(writes: readonly Write[]) {
      if (commits === "fail") throw new Error("no store");
      if (!device) return "conflict" as const;
      for (const write of writes) (write as unknown as () => void)();
      counts.writes += writes.length;
      return "committed" as const;
    },
  };
  const elapsed = () => clock.now().getTime() - START;
  /** What comes of it, and when. */
  const timed = async <T>(promise: Promise<T>) => {
    const result = await clock.until(promise).catch((error: { code: string }) => ({ refused: error.code }));
    assert.equal(listeners.size, 0, "a listener is left");
    return { result, ms: elapsed() };
  };
  const now = () => {
    assert.ok(device);
    return device;
  };
  const poll = stored(now());
  return {
    clock,
    counts,
    listeners,
    abort,
    now,
    set,
    session: () => now().session as Session,
    failCommits: () => {
      commits = "fail";
    },
    /** Does it when so much time has passed. */
    after: (ms: number, act: () => void) => void clock.sleep(ms).then(act),
    command: (more: { known?: [string, number]; wait_ms?: number; app_version?: string } = {}) =>
      timed(
        nextCommand(ctx, {
          device: poll,
          known: more.known && { session_id: more.known[0], version: more.known[1] },
          wait_ms: more.wait_ms ?? WAIT_MS,
          app_version: more.app_version,
          signal: abort.signal,
        }),
      ),
    enrollment: (more: { session_id?: string; version?: number; wait_ms?: number } = {}) =>
      timed(
        pollEnrollment(ctx, {
          device: poll.value,
          session_id: more.session_id ?? poll.value.session?.id ?? "",
          version: more.version,
          wait_ms: more.wait_ms ?? WAIT_MS,
          signal: abort.signal,
        }),
      ),
  };
}

type World = ReturnType<typeof newWorld>;

/** What either poll has in common: how it ends, and that it reads nothing meanwhile. */
const POLLS: Record<string, (world: World, wait_ms?: number) => Promise<{ result: unknown; ms: number }>> = {
  nextCommand: (world, wait_ms = WAIT_MS) => world.command({ known: [world.session().id, 1], wait_ms }),
  pollEnrollment: (world, wait_ms = WAIT_MS) => world.enrollment({ version: 1, wait_ms }),
};
const sessionOf = (result: unknown): Session | null => {
  const { session } = result as { session?: Session | null };
  return session === undefined ? (result as Session | null) : session;
};

for (const [name, poll] of Object.entries(POLLS)) {
  describe(`A poll, ${name},`, () => {
    it("answers as it is when its time is over: one listener, no read, no warning", async () => {
      const world = newWorld({}, {});
      const { result, ms } = await poll(world);
      assert.deepEqual([sessionOf(result), ms], [world.session(), WAIT_MS]);
      assert.deepEqual(world.counts, { reads: 0, listeners: 1, snapshots: 1, writes: 0 });
      assert.deepEqual(world.clock.logged, []);
    });

    it("listens to nothing when it does not wait", async () => {
      const world = newWorld({}, {});
      const { result, ms } = await poll(world, 0);
      assert.deepEqual([sessionOf(result), ms], [world.session(), 0]);
      assert.deepEqual(world.counts, { reads: 0, listeners: 0, snapshots: 0, writes: 0 });
    });

    it("answers a change of the session at once", async () => {
      const world = newWorld({}, {});
      world.after(7000, () => {
        const session = refuse(world.session(), "x", "poor_quality", at(7000));
        world.set({ ...world.now(), session });
      });
      const { result, ms } = await poll(world);
      assert.deepEqual([sessionOf(result), ms], [world.session(), 7000]);
      assert.equal(world.session().version, 2);
    });

    it("does not miss a change between the look-up of the device and its listener", async () => {
      const world = newWorld({}, {});
      world.set({ ...world.now(), session: refuse(world.session(), "x", "poor_quality", at(0)) });
      const { result, ms } = await poll({ ...world, session: () => ({ ...world.session(), version: 1 }) });
      assert.deepEqual([sessionOf(result), ms], [world.session(), 0]);
    });

    it("goes on through what is no news, however much", async () => {
      const world = newWorld({}, {});
      for (let n = 1; n <= 5; n++) {
        world.after(n * 1000, () => world.set({ ...world.now(), last_seen_at: at(n), app_version: `${n}` }));
      }
      assert.equal((await poll(world)).ms, WAIT_MS);
      assert.deepEqual(world.counts, { reads: 0, listeners: 1, snapshots: 6, writes: 0 });
    });

    it("ends when nobody listens any more", async () => {
      const world = newWorld({}, {});
      world.after(3000, () => world.abort.abort());
      assert.equal((await poll(world)).ms, 3000);
      assert.equal(world.counts.reads, 0);
    });

    it("does not begin when nobody listens any more", async () => {
      const world = newWorld({}, {});
      world.abort.abort();
      assert.equal((await poll(world)).ms, 0);
      assert.equal(world.counts.listeners, 0);
    });

    it("answers by a fresh read at the end of its time where its listener fails, and says so", async () => {
      const world = newWorld({}, {});
      world.after(4000, () => {
        for (const { error } of world.listeners) error(new Error("torn"));
        world.listeners.clear();
      });
      const session = { ...world.session(), version: 2 };
      world.after(5000, () => world.set({ ...world.now(), session }));
      const { result, ms } = await poll(world);
      assert.deepEqual([sessionOf(result), ms], [session, WAIT_MS]);
      assert.equal(world.counts.reads, 1);
      assert.equal(world.clock.logged.length, 1);
      assert.match(world.clock.logged[0] ?? "", /^warn a device is not listened to any more .*torn/);
    });
  });
}

describe("nextCommand", () => {
  it("answers the active session, the device and the format", async () => {
    const world = newWorld({}, { version: 3, status: "capturing" });
    const { result, ms } = await world.command();
    const wanted = { session: world.session(), device: world.now(), template_format: "palm-code.v1" };
    assert.deepEqual([result, ms], [wanted, 0]);
    assert.equal(world.counts.listeners, 0);
  });

  for (const [what, known, session] of [
    ["another session", ["other", 3], { id: "s", version: 3 }],
    ["an older version", ["s", 2], { id: "s", version: 3 }],
    ["a newer version", ["s", 4], { id: "s", version: 3 }],
    ["a session that has ended", ["s", 3], { id: "s", version: 4, status: "completed" }],
    ["a session that has expired", ["s", 3], { id: "s", version: 3, expires_at: at(0) }],
    ["a session where none is", ["s", 3], undefined],
  ] as [string, [string, number], Partial<Session> | undefined][]) {
    it(`answers at once to a terminal that knows ${what}`, async () => {
      const world = newWorld({}, session);
      const { result, ms } = await world.command({ known });
      const active = session && !session.status && !session.expires_at ? world.session() : null;
      assert.deepEqual([sessionOf(result), ms], [active, 0]);
    });
  }

  it("waits where none is active, and none is known", async () => {
    for (const session of [undefined, { status: "cancelled" } as const, { expires_at: at(-1) }]) {
      const world = newWorld({}, session);
      const { result, ms } = await world.command();
      assert.deepEqual([sessionOf(result), ms], [null, WAIT_MS]);
    }
  });

  it("answers a session that is started meanwhile", async () => {
    const world = newWorld();
    const session = newSession({ device_id: "d", project_id: "p", created_at: at(9000) });
    world.after(9000, () => world.set({ ...world.now(), session }));
    const { result, ms } = await world.command();
    assert.deepEqual([sessionOf(result), ms], [session, 9000]);
  });

  it("answers when its session expires, to the moment, though nobody writes it", async () => {
    const world = newWorld({}, { expires_at: at(11_000) });
    const { result, ms } = await world.command({ known: [world.session().id, 1] });
    assert.deepEqual([sessionOf(result), ms], [null, 11_000]);
  });

  for (const change of [
    { name: "Back door" },
    { enabled: false },
    { mode: "demo" },
  ] satisfies Partial<Device>[]) {
    it(`answers when the device becomes ${JSON.stringify(change)}`, async () => {
      const world = newWorld();
      world.after(2000, () => world.set({ ...world.now(), ...change }));
      const { result, ms } = await world.command();
      const wanted = { session: null, device: world.now(), template_format: "palm-code.v1" };
      assert.deepEqual([result, ms], [wanted, 2000]);
      assert.deepEqual({ ...world.now(), ...change }, world.now());
    });
  }

  it("answers 401 when the device is deleted, and when its key is replaced", async () => {
    for (const dead of [undefined, { secret_hash: "0".repeat(64) }]) {
      const world = newWorld({}, {});
      world.after(2000, () => world.set(dead && { ...world.now(), ...dead }));
      const { result, ms } = await world.command({ known: [world.session().id, 1] });
      assert.deepEqual([result, ms], [{ refused: "unauthenticated" }, 2000]);
    }
  });

  describe("as the heartbeat", () => {
    for (const [what, fields, app_version, writes] of [
      ["is silent within a minute", { last_seen_at: at(-59_999) }, undefined, 0],
      ["writes after a minute", { last_seen_at: at(-60_000) }, undefined, 1],
      ["writes the first time", { last_seen_at: null }, undefined, 1],
      ["writes another version", { app_version: "1.0" }, "1.1", 1],
      ["is silent about the same version", { app_version: "1.0" }, "1.0", 0],
      ["keeps the version that is not named", { app_version: "1.0", last_seen_at: null }, undefined, 1],
    ] as [string, Partial<Device>, string | undefined, number][]) {
      it(`${what}, which ends no wait, and answers what it wrote`, async () => {
        const world = newWorld(fields);
        const before = world.now();
        const { result, ms } = await world.command({ ...(app_version && { app_version }) });
        const seen = writes ? { last_seen_at: at(0), app_version: app_version ?? before.app_version } : {};
        const wanted = { session: null, device: { ...before, ...seen }, template_format: "palm-code.v1" };
        assert.deepEqual([result, ms], [wanted, WAIT_MS]);
        assert.deepEqual(world.now(), { ...before, ...seen });
        // The listener begins behind it, and so is not told of it.
        assert.deepEqual(world.counts, { reads: 0, listeners: 1, snapshots: 1, writes });
      });
    }

    it("answers what it wrote at once, too", async () => {
      const world = newWorld({ last_seen_at: null }, {});
      const { result } = await world.command({ app_version: "2.0" });
      const device = { ...world.now(), last_seen_at: at(0), app_version: "2.0" };
      assert.deepEqual((result as { device: Device }).device, device);
    });

    it("keeps nobody from anything where it cannot be written, and says so", async () => {
      const world = newWorld({ last_seen_at: null }, {});
      world.failCommits();
      const { result } = await world.command({ app_version: "2.0" });
      assert.deepEqual(result, {
        session: world.session(),
        device: world.now(),
        template_format: "palm-code.v1",
      });
      assert.match(world.clock.logged.join("\n"), /^warn a heartbeat was not written .*no store/);
    });

    it("ends in 401 when the device was deleted since its key was looked up", async () => {
      const world = newWorld({ last_seen_at: null });
      world.set(undefined);
      assert.deepEqual(await world.command(), { result: { refused: "unauthenticated" }, ms: 0 });
    });
  });
});

describe("pollEnrollment", () => {
  it("answers at once where no version is named, or a newer one is there", async () => {
    for (const version of [undefined, 2]) {
      const world = newWorld({}, { version: 3 });
      const { result, ms } = await world.enrollment(version === undefined ? {} : { version });
      assert.deepEqual([result, ms], [world.session(), 0]);
      assert.equal(world.counts.listeners, 0);
    }
  });

  it("waits where the version that is named is the one that is there, or none yet", async () => {
    for (const version of [3, 4]) {
      const world = newWorld({}, { version: 3 });
      const { result, ms } = await world.enrollment({ version });
      assert.deepEqual([result, ms], [world.session(), WAIT_MS]);
    }
  });

  it("answers null at once for a session that is not the device's last one", async () => {
    for (const session of [undefined, {}]) {
      const world = newWorld({}, session);
      const answer = await world.enrollment({ session_id: "other", version: 1 });
      assert.deepEqual(answer, { result: null, ms: 0 });
    }
  });

  it("answers null when another one is started meanwhile", async () => {
    const world = newWorld({}, {});
    world.after(3000, () =>
      world.set({ ...world.now(), session: newSession({ device_id: "d", project_id: "p" }) }),
    );
    assert.deepEqual(await world.enrollment({ version: 1 }), { result: null, ms: 3000 });
  });

  it("answers that it has expired at the moment of it, and writes that down first", async () => {
    const world = newWorld({}, { expires_at: at(11_000) });
    const expired = advance(world.session(), "expire", "clock", at(11_000));
    const { result, ms } = await world.enrollment({ version: 1 });
    assert.deepEqual([result, ms], [expired, 11_000]);
    assert.deepEqual(world.session(), expired);
  });

  it("tells one that has ended for a day, and null from then on", async () => {
    const ended = (ms: number) => ({ status: "completed", version: 4, updated_at: at(ms) }) as const;
    const told = newWorld({}, ended(-TOLD_MS + 1));
    assert.deepEqual(await told.enrollment(), { result: told.session(), ms: 0 });
    assert.deepEqual(await newWorld({}, ended(-TOLD_MS)).enrollment(), { result: null, ms: 0 });
    // Expired, though nobody has written that.
    const { result } = await newWorld({}, { expires_at: at(-TOLD_MS) }).enrollment();
    assert.equal(result, null);
  });

  it("answers 404 when the device is deleted meanwhile", async () => {
    const world = newWorld({}, {});
    world.after(3000, () => world.set(undefined));
    const { result, ms } = await world.enrollment({ version: 1 });
    assert.deepEqual([result, ms], [{ refused: "not_found" }, 3000]);
  });
});

describe("Formats", () => {
  function newFormats(environment_id: string | null, size?: number) {
    const clock = virtualClock({ start: START });
    const reads: string[] = [];
    let named = environment_id;
    const read = (id: string, value: object | undefined) => {
      reads.push(id);
      return Promise.resolve(value && { value });
    };
    const ports = {
      projects: { get: (id: string) => read(id, id === "gone" ? undefined : { environment_id: named }) },
      environments: { get: (id: string) => read(id, { template_format: "vector-512.v1" }) },
    };
    return {
      clock,
      reads,
      formats: new Formats({ ...clock, ...(ports as unknown as FormatsPorts) }, size),
      give: (id: string) => {
        named = id;
      },
    };
  }
  const pass = ({ clock }: { clock: ReturnType<typeof virtualClock> }, ms: number) =>
    clock.until(clock.sleep(ms));

  it("are read once", async () => {
    const world = newFormats("e");
    for (let n = 0; n < 3; n++) {
      assert.equal(await world.formats.of("p"), "vector-512.v1");
      await pass(world, 3_600_000);
    }
    assert.deepEqual(world.reads, ["p", "e"]);
  });

  it("are looked for again, after a minute, where a project has no environment", async () => {
    const world = newFormats(null);
    assert.equal(await world.formats.of("p"), null);
    world.give("e");
    await pass(world, 59_999);
    assert.equal(await world.formats.of("p"), null);
    await pass(world, 1);
    assert.equal(await world.formats.of("p"), "vector-512.v1");
    assert.deepEqual(world.reads, ["p", "p", "e"]);
  });

  it("are none of a project that is none", async () =>
    assert.equal(await newFormats("e").formats.of("gone"), null));

  it("forget the oldest where they are too many", async () => {
    const { formats, reads } = newFormats(null, 2);
    for (const id of ["a", "b", "c", "b", "a"]) await formats.of(id);
    assert.deepEqual(reads, ["a", "b", "c", "a"]);
  });
});
