import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { Api, backoff, NoAnswer } from "../../scripts/terminal/api.ts";
import { Camera, type Taken } from "../../scripts/terminal/camera.ts";
import { type Disk, disk, Folder, FolderError } from "../../scripts/terminal/identity.ts";
import type { Key } from "../../scripts/terminal/keys.ts";
import { blockLetters } from "../../scripts/terminal/letters.ts";
import { Off, runProgram } from "../../scripts/terminal/program.ts";
import { createScreen, minorUnits, showMoney } from "../../scripts/terminal/screen.ts";
import { Front } from "../support/front.ts";

const MEMBER = "eeeeeeee-0000-4000-8000-00000000000e";
const DEVICE = "dddddddd-0000-4000-8000-00000000000d";
const PROJECT = "bbbbbbbb-0000-4000-8000-00000000000b";
const HOUR_MS = 3_600_000;

describe("The terminal", () => {
  let home: string;
  let front: Front;
  beforeEach(async () => {
    home = mkdtempSync(join(tmpdir(), "terminal-"));
    front = await new Front().open();
  });
  afterEach(async () => {
    await front.close();
    rmSync(home, { recursive: true });
  });

  /** Pictures of one palm; each says what is thought of it. */
  const pictures = (...looks: string[]): string => {
    const folder = mkdtempSync(join(home, "palms-"));
    looks.forEach((look, i) => {
      writeFileSync(join(folder, `hand-${i + 1}.png`), look);
    });
    return folder;
  };

  interface Setting {
    files?: Disk;
    off?: AbortController;
    /** What is pressed, whenever the terminal listens; `undefined` as soon as there is none left: nobody does. */
    pressed?: Key[];
    /** Pressed by whoever reads such words. */
    reaction?: [words: RegExp, key: Key];
    world?: Front["world"];
  }

  const imageOf = ({ picture }: Taken): string =>
    "image" in picture ? Buffer.from(picture.image, "base64").toString() : assert.fail("a photograph");

  /** Runs the program with `--json` in the folder `me`, and tells what it told. */
  const run = async (
    args: string[],
    { files = disk, off = new AbortController(), pressed, reaction, world = front.world }: Setting = {},
  ) => {
    let said = "";
    let out = "";
    const isJson = pressed === undefined;
    const code = await runProgram([...args, "--folder", join(home, "me"), ...(isJson ? ["--json"] : [])], {
      out: (words) => {
        out += words;
        if (reaction?.[0].test(words)) pressed?.push(reaction[1]);
      },
      say: (words) => {
        said += words;
      },
      world,
      version: "1.2.3",
      columns: undefined,
      readKeys: () => ({
        async next(signal) {
          const key = pressed?.shift();
          if (key) return key;
          return new Promise((_, reject) => {
            signal.addEventListener("abort", () => reject(signal.reason));
          });
        },
        forget: () => undefined,
        close: () => undefined,
      }),
      off,
      disk: files,
    });
    // biome-ignore lint/suspicious/noExplicitAny: whoever looks compares what was told
    const events: any[] = isJson
      ? out
          .split("\n")
          .filter(Boolean)
          .map((line) => JSON.parse(line))
      : [];
    return { code, out, said, events, told: events.map(({ event }) => event) };
  };
  const auto = (palms: string, ...more: string[]) => [
    "--api",
    front.url,
    "--palms",
    palms,
    "--auto",
    ...more,
  ];
  const door = (palms: string) => ["--api", front.url, "--palms", palms];
  /** Ends whoever runs by then, in virtual ms. */
  const offAfter = (ms: number): AbortController => {
    const off = new AbortController();
    front.at(ms, () => off.abort(new Off(130)));
    return off;
  };
  const registered = async () => {
    assert.equal((await run(auto(pictures("good"), "--scan"))).code, 0);
    front.asked.length = 0;
    front.sleeps.length = 0;
  };
  const filesOf = () => readdirSync(join(home, "me")).toSorted();

  it("lives: shows its code, is registered, enrols and scans", async () => {
    front.isEntered = false;
    front.at(5000, () => {
      front.isEntered = true;
    });
    front.at(40_000, () => void front.startSession());
    const { code, events, said } = await run(auto(pictures("good", "good", "good", "good")));
    assert.equal(said, "");
    assert.equal(code, 0);
    const [, , , , { session_id }] = events;
    const sample = { accepted: true, code: null, samples_required: 3 };
    assert.deepEqual(
      events.map(({ at: _, expires_at: __, scan_id: ___, ...rest }) => rest),
      [
        { event: "started", api: front.url, folder: join(home, "me"), device_id: null },
        { event: "code", registration_code: "CODE0001" },
        { event: "registered", device_id: DEVICE, project_id: PROJECT },
        { event: "device", name: "Door", enabled: true, mode: "standard", template_format: "palm-code.v1" },
        {
          event: "session",
          session_id,
          member_id: MEMBER,
          hand: "unknown",
          samples_accepted: 0,
          samples_required: 3,
          palm: "hand",
        },
        { event: "sample", picture: "hand-1.png", ...sample, samples_accepted: 1 },
        { event: "sample", picture: "hand-2.png", ...sample, samples_accepted: 2 },
        { event: "sample", picture: "hand-3.png", ...sample, samples_accepted: 3 },
        { event: "ended", session_id, member_id: MEMBER, status: "completed", code: null },
        {
          event: "scan",
          picture: "hand-4.png",
          outcome: "identified",
          member_id: MEMBER,
          score: 0.82,
          threshold: 0.67,
          searched: 24,
          took_ms: 5,
        },
      ],
    );
    const [unboxed, ...others] = front.asked;
    assert.deepEqual(unboxed?.body, { app_version: "simulator 1.2.3", model: "simulator" });
    assert.deepEqual(
      others.filter(({ path }) => path.endsWith("claim")).map(({ token, at }) => [token, at]),
      [0, 2000, 4000, 6000].map((at) => ["pt_1", at]),
    );
    assert.deepEqual(
      front.askedFor("/poll").map(({ token, body }) => [token, body]),
      [
        ["pd_1", { wait: 0, app_version: "simulator 1.2.3" }],
        ["pd_1", { wait: 25, app_version: "simulator 1.2.3" }],
        ["pd_1", { wait: 25, app_version: "simulator 1.2.3" }],
        // Between two captures the pair is named, so that a cancellation is noticed.
        ["pd_1", { wait: 1, app_version: "simulator 1.2.3", session_id, session_version: 2 }],
        ["pd_1", { wait: 1, app_version: "simulator 1.2.3", session_id, session_version: 3 }],
      ],
    );
    assert.deepEqual(filesOf(), ["identity.json"]);
  });

  it("keeps its keys to itself", async () => {
    front.startSession();
    const { out } = await run(auto(pictures("good"), "--pay", "1250:EUR"));
    assert.ok(!/p[dt]_\d/.test(out));
    assert.equal(statSync(join(home, "me")).mode & 0o777, 0o700);
    assert.equal(statSync(join(home, "me", "identity.json")).mode & 0o777, 0o600);
  });

  it("is the same one after a restart, and is not registered again", async () => {
    await registered();
    const { code, told } = await run(auto(pictures("good"), "--scan", "2"));
    assert.equal(code, 0);
    assert.deepEqual(told, ["started", "device", "scan", "scan"]);
    assert.deepEqual(front.codes, ["CODE0001"]);
  });

  it("shows another code when the first is of no use any more", async () => {
    front.fault("/claim", { status: 410, code: "expired" });
    const { told } = await run(auto(pictures("good"), "--scan"));
    assert.deepEqual(told.slice(0, 5), ["started", "code", "code_expired", "code", "registered"]);
    assert.deepEqual(front.codes, ["CODE0001", "CODE0002"]);
  });

  it("shows another code when the server has forgotten its token, but tries that only once", async () => {
    front.fault("/claim", ...[1, 2].map(() => ({ status: 401, code: "unauthenticated" })));
    const { code, said } = await run(auto(pictures("good"), "--scan"));
    assert.equal(code, 1);
    assert.equal(said, "terminal: A fault.\n");
    assert.equal(front.codes.length, 2);
  });

  it("goes on with the code that it showed before it was restarted", async () => {
    front.isEntered = false;
    assert.equal((await run(door(pictures("good")), { off: offAfter(9000) })).code, 130);
    front.isEntered = true;
    const { events } = await run(auto(pictures("good"), "--scan"));
    assert.equal(events[1].registration_code, "CODE0001");
    assert.equal(front.askedFor("/registrations").length, 1);
  });

  for (const [path, status] of [
    ["/registrations", 429],
    ["/claim", 429],
    ["/poll", 503],
    ["/samples", 429],
    ["/scans", 503],
  ] as const) {
    it(`waits as long as a ${status} of ${path} says`, async () => {
      front.fault(path, { status, code: "wait", headers: { "Retry-After": "17" } });
      front.startSession();
      const { code, events } = await run(auto(pictures("good")));
      assert.equal(code, 0);
      assert.deepEqual(
        events.filter(({ event }) => ["busy", "online"].includes(event)).map(({ at: _, ...rest }) => rest),
        [
          { event: "busy", code: "wait", retry_in_s: 18 },
          { event: "online", after_s: 18 },
        ].map((one) => ({ ...one, ...("after_s" in one ? { after_s: waited(path) } : {}) })),
      );
      const [first, second] = front.askedFor(path);
      const between = (second?.at ?? 0) - (first?.at ?? 0);
      assert.ok(between >= 17_000 && between <= 18_000, String(between));
      assert.equal(second?.text, first?.text);
    });
  }
  const waited = (path: string): number => {
    const [first, second] = front.askedFor(path);
    return Math.round(((second?.at ?? 0) - (first?.at ?? 0)) / 1000);
  };

  it("goes on trying while it is offline, ever more seldom, and says so once", async () => {
    await registered();
    front.fault("/scans", ...Array(4).fill("lost before"));
    front.fault("/poll", ...Array(12).fill("lost before"));
    const { code, events } = await run(auto(pictures("good"), "--pay", "500:EUR"));
    assert.equal(code, 0);
    const told = events.map(({ event }) => event);
    assert.deepEqual(told, [
      "started",
      "offline",
      "online",
      "device",
      "offline",
      "online",
      "scan",
      "payment",
    ]);
    assert.equal(front.sleeps.length, 16);
    front.sleeps.forEach((ms, i) => {
      const most = Math.min(30_000, 1000 * 2 ** ((i < 12 ? i : i - 12) + 1));
      assert.ok(ms >= most / 2 && ms <= most, `${ms} of ${most}`);
    });
  });

  it("waits 1 to 30 s between attempts, however many there were", () => {
    for (let failures = 1; failures < 3000; failures++) {
      for (const chance of [0, 0.5, 0.999999]) {
        const ms = backoff(failures, () => chance);
        assert.ok(ms >= 1000 && ms <= 30_000, String(ms));
      }
    }
    assert.equal(
      backoff(3000, () => 0),
      15_000,
    );
  });

  it("takes a page of somebody else, or a redirection, for no answer", async () => {
    await registered();
    front.fault(
      "/scans",
      { status: 200, html: true },
      { status: 302, html: true, headers: { Location: "/" } },
    );
    const { code, events } = await run(auto(pictures("good"), "--scan"));
    assert.equal(code, 0);
    assert.equal(
      events.find(({ event }) => event === "offline").reason,
      "something else answers there (200, no JSON)",
    );
  });

  it("gives up a scan after 30 s: whoever stands there has gone", async () => {
    await registered();
    front.fault("/scans", ...Array(20).fill("lost before"));
    const { code } = await run(auto(pictures("good"), "--scan"));
    assert.equal(code, 1);
    assert.ok(front.elapsed < 40_000);
  });

  it("waits longer for an answer than the server waits, and no longer", async () => {
    const told: string[] = [];
    const tell = ({ event }: { event: string }) => void told.push(event);
    const timeouts = { request_ms: 40, search_ms: 40, beyond_wait_ms: 40 };
    const api = new Api(front.url, tell, front.world, { timeouts });
    front.fault("/scans", ...Array(20).fill("hangs"));
    const scan = api.scan("pd_1", "{}", "key", new AbortController().signal, { within_ms: 2500 });
    await assert.rejects(
      scan,
      (error) => error instanceof NoAnswer && error.message === "no answer within 0.04 s",
    );
    assert.deepEqual(told, ["offline"]);
    assert.ok(front.askedFor("/scans").length <= 3);
  });

  for (const fault of ["lost before", "lost after"] as const) {
    it(`sends a sample as the same one when the answer was ${fault}`, async () => {
      front.startSession();
      front.fault("/samples", fault, fault, fault);
      const { code, events } = await run(auto(pictures("good", "poor", "good"), "--enroll-only"));
      assert.equal(code, 0);
      const samples = front.askedFor("/samples").map(({ body }) => body);
      assert.equal(samples.length, 4 + 3);
      assert.equal(new Set(samples.slice(0, 4).map(({ sample_id }) => sample_id)).size, 1);
      assert.equal(new Set(samples.map(({ sample_id }) => sample_id)).size, 4);
      assert.deepEqual(
        events
          .filter(({ event }) => event === "sample")
          .map(({ picture, code, samples_accepted }) => [picture, code, samples_accepted]),
        [
          ["hand-1.png", null, 1],
          ["hand-2.png", "poor_quality", 1],
          ["hand-3.png", null, 2],
          ["hand-1.png", null, 3],
        ],
      );
    });
  }

  it("knows that its last sample completed the session though the answer was lost", async () => {
    front.startSession({ samples_required: 1 });
    front.fault("/samples", "lost after");
    const { code, events } = await run(auto(pictures("good"), "--enroll-only"));
    assert.equal(code, 0);
    assert.equal(events.at(-1).status, "completed");
  });

  it("says why a session failed", async () => {
    front.startSession({ samples_required: 1 });
    const { code, events } = await run(auto(pictures("stranger")));
    assert.equal(code, 1);
    const { status, code: why } = events.at(-1);
    assert.deepEqual([status, why], ["failed", "duplicate_palm"]);
  });

  it("tries seldom when every picture is refused, until the session has expired", async () => {
    front.startSession({ expires_at: new Date(front.world.now() + 600_000).toISOString() });
    const { code, events, told } = await run(auto(pictures("poor", "other", "broken")));
    assert.equal(code, 1);
    const { status, code: why } = events.at(-1);
    assert.deepEqual([status, why], ["expired", null]);
    assert.deepEqual(
      events
        .filter(({ event }) => event === "all_refused")
        .map(({ next_in_s }) => next_in_s)
        .slice(0, 6),
      [5, 10, 20, 40, 60, 60],
    );
    assert.ok(front.askedFor("/samples").length <= 16, String(front.askedFor("/samples").length));
    assert.ok(front.asked.length <= 60, String(front.asked.length));
    assert.deepEqual(
      events
        .filter(({ event }) => event === "sample")
        .slice(0, 3)
        .map(({ code }) => code),
      ["poor_quality", "template_mismatch", "invalid_request"],
    );
    assert.equal(told.filter((event) => event === "session").length, 1);
  });

  it("stops as soon as the session is cancelled between two captures", async () => {
    front.startSession({ samples_required: 5 });
    front.at(1500, () => front.endSession("cancelled"));
    const { code, events } = await run(auto(pictures("good")));
    assert.equal(code, 1);
    assert.equal(events.at(-1).status, "cancelled");
    assert.equal(front.askedFor("/samples").length, 2);
    assert.ok(front.elapsed < 2000);
  });

  it("stops when the session is cancelled while it captures", async () => {
    front.startSession();
    front.fault("/samples", "lost before");
    front.at(500, () => front.endSession("cancelled"));
    const { events } = await run(auto(pictures("good")));
    assert.equal(events.at(-1).status, "cancelled");
  });

  it("tells an expired session from a cancelled one by the server's clock, whatever its own says", async () => {
    front.startSession({ expires_at: new Date(front.world.now() + 30_000).toISOString() });
    const world = { ...front.world, now: () => front.world.now() - 100 * 24 * HOUR_MS };
    const { events } = await run(auto(pictures("poor")), { world });
    assert.equal(events.at(-1).status, "expired");
  });

  it("leaves a session alone in which no sample is taken, and serves the next one", async () => {
    front.startSession();
    front.fault("/samples", { status: 410, code: "expired" });
    front.at(100_000, () => front.endSession("cancelled"));
    front.at(110_000, () => void front.startSession({ samples_required: 1 }));
    const { events, code } = await run(door(pictures("good")), { off: offAfter(200_000) });
    assert.equal(code, 130);
    assert.deepEqual(
      events.filter(({ event }) => event === "ended").map(({ status, code }) => [status, code]),
      [
        ["refused", "expired"],
        ["completed", null],
      ],
    );
    assert.ok(front.asked.length < 25, String(front.asked.length));
  });

  it("misses no session that is started while it is about something else", async () => {
    await registered();
    const off = offAfter(60_000);
    front.startSession({ samples_required: 1 });
    front.at(0, () => undefined);
    front.fault("/samples", "lost before");
    front.at(10, () => {
      front.endSession("cancelled");
      front.startSession({ samples_required: 1 });
    });
    const { events } = await run(door(pictures("good")), { off });
    assert.deepEqual(
      events.filter(({ event }) => event === "ended").map(({ status }) => status),
      ["cancelled", "completed"],
    );
  });

  it("does not spin where polls are answered at once", async () => {
    await registered();
    front.isHasty = true;
    await run(door(pictures("good")), { off: offAfter(600_000) });
    assert.ok(front.asked.length < 35, String(front.asked.length));
  });

  it("captures the hand that is asked for, and another palm for the next session", async () => {
    const palms = mkdtempSync(join(home, "palms-"));
    for (const name of ["ann-left-1", "ann-right-1", "bob-left-1", "bob-right-1"]) {
      writeFileSync(join(palms, `${name}.png`), "good");
    }
    front.startSession({ hand: "right", samples_required: 1 });
    front.at(50_000, () => void front.startSession({ hand: "right", samples_required: 1 }));
    const { events } = await run(door(palms), { off: offAfter(100_000) });
    assert.deepEqual(
      events.filter(({ event }) => event === "sample").map(({ picture }) => picture),
      ["ann-right-1.png", "bob-right-1.png"],
    );
    assert.deepEqual(
      front.askedFor("/samples").map(({ body }) => body.hand),
      ["right", "right"],
    );
  });

  for (const fault of ["lost before", "lost after", { status: 503, code: "unavailable" }] as const) {
    it(`pays once when the answer is ${typeof fault === "string" ? fault : fault.status}`, async () => {
      await registered();
      front.fault("/scans", fault, fault);
      const { code, events } = await run(auto(pictures("good"), "--pay", "1250:EUR:coffee: large"));
      assert.equal(code, 0);
      const { event, status, amount_minor, currency, reference } = events.at(-1);
      assert.deepEqual([event, status], ["payment", "approved"]);
      assert.deepEqual([amount_minor, currency, reference], [1250, "EUR", "coffee: large"]);
      const asked = front.askedFor("/scans");
      assert.equal(asked.length, 3);
      assert.equal(new Set(asked.map(({ key, text }) => `${key} ${text}`)).size, 1);
      assert.equal(front.payments.length, 1);
      assert.deepEqual(filesOf(), ["identity.json"]);
    });
  }

  it("asks again after a restart what was not answered, and only then goes on", async () => {
    await registered();
    front.fault("/scans", "lost after", ...Array(5).fill("lost before"));
    assert.equal((await run(auto(pictures("good"), "--pay", "1250:EUR"), { off: offAfter(5000) })).code, 130);
    assert.deepEqual(filesOf(), ["identity.json", "payment.json"]);
    assert.equal(statSync(join(home, "me", "payment.json")).mode & 0o777, 0o600);
    front.fault("/scans", "lost before");
    const { told, code } = await run(auto(pictures("good"), "--pay", "300:EUR"));
    assert.equal(code, 0);
    assert.deepEqual(
      told.filter((event) => /payment|scan/.test(event)),
      ["payment_pending", "scan", "payment", "scan", "payment"],
    );
    assert.equal(front.payments.length, 2);
  });

  it("does not ask again for what is a day old, or another terminal's", async () => {
    await registered();
    for (const other of [
      { created_at: new Date(front.world.now() - 23.5 * HOUR_MS).toISOString() },
      { device_id: "x" },
    ]) {
      writeFileSync(
        join(home, "me", "payment.json"),
        JSON.stringify({
          device_id: DEVICE,
          idempotency_key: "k",
          created_at: new Date(front.world.now()).toISOString(),
          amount_minor: 5,
          currency: "EUR",
          reference: null,
          body: "{}",
          ...other,
        }),
      );
      const { told, code } = await run(auto(pictures("good"), "--scan"));
      assert.equal(code, 0);
      assert.deepEqual(told, ["started", "payment_unknown", "device", "scan"]);
      assert.deepEqual(filesOf(), ["identity.json"]);
    }
    assert.ok(!front.asked.some(({ key }) => key === "k"));
  });

  it("keeps a payment whose answer was lost when the refusal of the next attempt says nothing about it", async () => {
    await registered();
    front.fault("/scans", "lost after", { status: 403, code: "device_disabled" });
    const { code, events } = await run(auto(pictures("good"), "--pay", "1250:EUR"));
    assert.equal(code, 1);
    assert.deepEqual([events.at(-1).event, events.at(-1).code], ["refused", "device_disabled"]);
    assert.deepEqual(filesOf(), ["identity.json", "payment.json"]);
    assert.equal((await run(auto(pictures("good"), "--scan"))).code, 0);
    assert.equal(front.payments.length, 1);
  });

  it("forgets a payment that was refused", async () => {
    await registered();
    const { code, events } = await run(auto(pictures("poor"), "--pay", "1250:EUR"));
    assert.equal(code, 1);
    assert.deepEqual([events.at(-1).event, events.at(-1).code], ["refused", "poor_quality"]);
    assert.deepEqual(filesOf(), ["identity.json"]);
  });

  it("says when nobody was identified or a payment declined, and ends with 1", async () => {
    await registered();
    const scan = await run(auto(pictures("stranger"), "--scan"));
    assert.deepEqual([scan.code, scan.events.at(-1).outcome], [1, "no_match"]);
    const payment = await run(auto(pictures("stranger"), "--pay", "100:JPY"));
    assert.deepEqual([payment.code, payment.events.at(-1).status], [1, "declined"]);
  });

  /** A disk whose program is killed at its `n`th change; a write is half done by then. */
  const dying = (n: number): Disk & { left: number } => {
    const die = (change: () => void, half: () => void) => {
      mortal.left -= 1;
      if (mortal.left > 0) return change();
      if (mortal.left === 0) half();
      throw new Error("killed");
    };
    const mortal = {
      left: n,
      write: (path: string, text: string) =>
        die(
          () => disk.write(path, text),
          () => writeFileSync(path, text.slice(0, text.length / 2)),
        ),
      rename: (from: string, to: string) =>
        die(
          () => disk.rename(from, to),
          () => undefined,
        ),
      remove: (path: string) =>
        die(
          () => disk.remove(path),
          () => undefined,
        ),
    };
    return mortal;
  };

  it("is one device and pays once, whichever change of its folder it is killed at", async () => {
    let n = 1;
    for (; ; n++) {
      rmSync(join(home, "me"), { recursive: true, force: true });
      front.payments.length = 0;
      const files = dying(n);
      const { code, events } = await run(auto(pictures("good"), "--pay", "1250:EUR"), { files });
      if (files.left > 0) {
        assert.equal(code, 0);
        break;
      }
      const isBegun = front.payments.length > 0 || filesOf().includes("payment.json");
      const isRegistered = events.some(({ event }) => event === "registered");
      const codes = front.codes.length;
      const again = await run(auto(pictures("good"), "--scan"));
      assert.equal(again.code, 0, `${n}: ${again.said}`);
      assert.equal(front.payments.length, isBegun ? 1 : 0, String(n));
      if (isRegistered) assert.equal(front.codes.length, codes, "it was registered, and is so still");
      assert.deepEqual(
        filesOf().filter((name) => !name.endsWith(".new")),
        ["identity.json"],
      );
    }
    assert.equal(n, 8, "code, key and payment are written and renamed, and the payment removed");
  });

  for (const [what, text] of [
    ["half written", '{"state": "registered", "api": "ht'],
    ["empty", ""],
    ["another program's", '{"state": "open"}'],
  ] as const) {
    it(`says that its identity is damaged when it is ${what}, and can be reset`, async () => {
      await registered();
      writeFileSync(join(home, "me", "identity.json"), text);
      const { code, said } = await run(auto(pictures("good"), "--scan"));
      assert.equal(code, 1);
      assert.match(said, /identity\.json is damaged, or another program's\. npm run terminal -- reset/);
      assert.deepEqual(front.asked, []);
      assert.equal((await run(["reset"])).code, 0);
      assert.deepEqual(filesOf(), []);
    });
  }

  it("says that its identity is lost when a payment of it is left", async () => {
    await registered();
    front.fault("/scans", ...Array(50).fill("lost before"));
    await run(auto(pictures("good"), "--pay", "1250:EUR"), { off: offAfter(3000) });
    rmSync(join(home, "me", "identity.json"));
    const { code, said } = await run(auto(pictures("good"), "--scan"));
    assert.equal(code, 1);
    assert.match(said, /is lost, but a payment of it is pending/);
    const { told } = await run(["reset"]);
    assert.deepEqual(told, ["payment_unknown", "forgotten"]);
  });

  it("shows its key to no other API", async () => {
    await registered();
    const { code, said } = await run(["--api", "https://else.example/v1/", "--image", "x.png", "--auto"]);
    assert.equal(code, 1);
    assert.match(said, /is of a terminal at http:.*: use another --folder, or reset it/);
  });

  it("lets one program at a time have its folder, and takes over from one that was killed", async () => {
    const folder = join(home, "me");
    const first = Folder.open(folder);
    assert.throws(() => Folder.open(folder), FolderError);
    const { code, said } = await run(["reset"]);
    assert.equal(code, 1);
    assert.match(said, new RegExp(`Another terminal is running in .* \\(process ${process.pid}\\)`));
    first.close();
    // An id that no process has, one that another program has by now, and what nobody can read.
    for (const lock of ["4194999 17\n", `${process.pid} 17\n`, ""]) {
      writeFileSync(join(folder, "lock"), lock);
      const next = Folder.open(folder);
      assert.deepEqual(filesOf(), ["lock"]);
      next.close();
      assert.deepEqual(filesOf(), []);
    }
  });

  it("says that it was removed when its key is dead, and ends with 1", async () => {
    await registered();
    front.at(60_000, () => {
      front.deadKey = true;
    });
    const { code, told } = await run(door(pictures("good")), { off: offAfter(900_000) });
    assert.equal(code, 1);
    assert.deepEqual(told, ["started", "device", "removed"]);
    assert.ok(front.elapsed < 120_000);
  });

  it("offers to forget who it was when somebody is there, and is registered anew", async () => {
    await registered();
    front.fault("/poll", { status: 401, code: "unauthenticated" });
    const { code, out } = await run(door(pictures("good")), {
      pressed: [],
      reaction: [/was removed/, "yes"],
      off: offAfter(60_000),
    });
    assert.equal(code, 130);
    assert.match(
      out,
      /removed, or its key was replaced[\s\S]*is forgotten[\s\S]*Registration code: CODE0002\n/,
    );
  });

  it("shows that it is disabled, and goes on polling", async () => {
    await registered();
    front.at(30_000, () => {
      front.device.enabled = false;
    });
    front.at(90_000, () => {
      front.device.enabled = true;
    });
    const { events } = await run(door(pictures("good")), { off: offAfter(200_000) });
    assert.deepEqual(
      events.filter(({ event }) => event === "device").map(({ enabled }) => enabled),
      [true, false, true],
    );
    front.device.enabled = false;
    const scan = await run(auto(pictures("good"), "--scan"));
    assert.equal(scan.code, 1);
    assert.equal(scan.events.at(-1).code, "device_disabled");
  });

  it("scans, pays and turns to the next palm when keys are pressed", async () => {
    await registered();
    const palms = pictures("good");
    writeFileSync(join(palms, "z-1.png"), "stranger");
    const pressed: Key[] = ["scan", "next", "pay"];
    const { out } = await run([...door(palms), "--amount", "7.5"], { pressed, off: offAfter(60_000) });
    assert.equal(
      out.replaceAll(/Terminal .*\n/g, ""),
      [
        "Scan hand-1.png  identified  member eeeeeeee-0000-4000-8000-00000000000e",
        "  score 0.82, threshold 0.67, 24 palms, 5 ms",
        "In front of the camera: z (1).",
        "Scan z-1.png  no_match",
        "  score –, threshold 0.67, 24 palms, 5 ms",
        "Payment of 7.50 EUR: declined",
        "Door is ready.",
        "",
      ].join("\n"),
    );
  });

  it("ends at once when it is switched off, whatever it waits for, and leaves its folder free", async () => {
    await registered();
    front.fault("/poll", "hangs");
    const off = new AbortController();
    const running = run(door(pictures("good")), { off });
    while (front.asked.length === 0) await sleep(1);
    assert.deepEqual(filesOf(), ["identity.json", "lock"]);
    off.abort(new Off(130));
    assert.equal((await running).code, 130);
    assert.deepEqual(filesOf(), ["identity.json"]);
  });

  for (const [args, words] of [
    [[], "without pictures"],
    [["--image", "x.png", "--scan"], "are for --auto"],
    [["--image", "x.png", "--palms", "x"], "cannot be used with"],
    [["--photos", "x", "--palms", "x"], "cannot be used with"],
    [["--photo", "x.jpg", "--image", "x.png"], "cannot be used with"],
    [["--image", "x.png", "--auto", "--enroll-only", "--scan"], "cannot be used with"],
    [["--image", "x.png", "--auto", "--scan", "0"], "no whole number"],
    [["--image", "x.png", "--auto", "--pay", "12.50:EUR"], "not like 1250:EUR"],
    [["--image", "x.png", "--auto", "--pay", "0:EUR"], "not like 1250:EUR"],
    [["--image", "x.png", "--amount", "12.505"], "no amount of EUR"],
    [["--image", "x.png", "--currency", "euro"], "no currency code"],
    [["--image", "x.png", "--api", "ftp://x"], "no http or https URL"],
    [["enrol"], "too many arguments"],
    [["palms"], "required option"],
  ] as const) {
    it(`ends with 2 when it is called as terminal ${args.join(" ")}`, async () => {
      const { code, said } = await run([...args], { pressed: [] });
      assert.equal(code, 2);
      assert.ok(said.includes(words), said);
      assert.deepEqual(front.asked, []);
    });
  }

  it("says what is wrong with its pictures", async () => {
    mkdirSync(join(home, "none"));
    for (const [args, words] of [
      [["--palms", join(home, "none")], /There is no picture/],
      [["--palms", join(home, "nowhere")], /cannot be read/],
      [["--palms", pictures("good"), "--palm", "x"], /There is no palm x in .*, but hand/],
    ] as const) {
      const { code, said } = await run(["--api", front.url, "--auto", ...args]);
      assert.equal(code, 1);
      assert.match(said, words);
    }
  });

  it("sends photographs of hands as such", async () => {
    await registered();
    const folder = mkdtempSync(join(home, "photos-"));
    for (const [file, look] of [
      ["left-1.webp", "good"],
      ["left-2.bmp", "stranger"],
    ] as const) {
      writeFileSync(join(folder, file), look);
    }
    for (const args of [
      ["--photos", folder],
      ["--photo", join(folder, "left-1.webp")],
    ]) {
      const { code } = await run(["--api", front.url, ...args, "--auto", "--scan", "2"]);
      assert.equal(code, 0);
    }
    const sent = front.askedFor("/scans").map(({ body }) => body);
    assert.deepEqual(sent, Array(4).fill({ photo: Buffer.from("good").toString("base64") }));
  });

  it("gives the pictures of a palm in the order of their numbers, again and again", () => {
    const folder = pictures("1", "2", "3", "4", "5", "6", "7", "8", "9", "10", "11");
    const camera = Camera.ofFolder("image", folder);
    const seen = Array.from({ length: 12 }, () => imageOf(camera.present()));
    assert.deepEqual(seen, ["1", "2", "3", "4", "5", "6", "7", "8", "9", "10", "11", "1"]);
  });

  it("writes pictures of synthetic palms, the same ones each time", async () => {
    const written = async (folder: string) => {
      const args = ["palms", "--out", join(home, folder), "--people", "1", "--samples", "2"];
      const { code } = await run(args, { pressed: [] });
      assert.equal(code, 0);
      return readdirSync(join(home, folder))
        .toSorted()
        .map((name) => [name, readFileSync(join(home, folder, name))]);
    };
    const [one, other] = [await written("one"), await written("other")];
    assert.deepEqual(
      one.map(([name]) => name),
      ["person-01-left-1.png", "person-01-left-2.png", "person-01-right-1.png", "person-01-right-2.png"],
    );
    assert.deepEqual(one, other);
  });

  it("has block letters for every character of a code", () => {
    const letters = new Set<string>();
    for (const letter of "0123456789ABCDEFGHJKMNPQRSTVWXYZ") {
      const rows = blockLetters(letter).split("\n");
      assert.equal(rows.length, 5);
      assert.ok(
        rows.every((row) => /^ {2}[█ ]{0,5}$/.test(row) && row.includes("█")),
        letter,
      );
      letters.add(rows.join("\n"));
    }
    assert.equal(letters.size, 32);
    assert.ok(
      blockLetters("WWWWWWWW")
        .split("\n")
        .every((row) => row.length <= 64),
    );
  });

  it("does not let others' words command the screen", () => {
    let out = "";
    const { tell } = createScreen(
      "tty",
      (words) => (out += words),
      () => 0,
    );
    tell({ event: "device", name: "\u001b[2JDoor\r\n", enabled: true, mode: "demo", template_format: null });
    assert.equal(out, "\uFFFD[2JDoor\uFFFD\uFFFD is ready, in demo mode, its project has no environment.\n");
  });

  it("shows amounts with their currency's decimals, and reads them", () => {
    for (const [minor, currency, shown] of [
      [1250, "EUR", "12.50"],
      [5, "EUR", "0.05"],
      [100, "JPY", "100"],
      [1, "KWD", "0.001"],
      [999_999_999_999, "USD", "9999999999.99"],
    ] as const) {
      assert.equal(showMoney({ amount_minor: minor, currency }), `${shown} ${currency}`);
      assert.equal(minorUnits(shown, currency), minor);
    }
    for (const amount of ["", "1,5", "-1", "1.", "0x1", "1.005"])
      assert.equal(minorUnits(amount, "EUR"), undefined);
  });
});
