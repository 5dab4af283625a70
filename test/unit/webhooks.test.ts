import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { createServer } from "node:http";
import { text } from "node:stream/consumers";
import { newEvent } from "../../functions/src/domain/event/event.ts";
import { newSecret, signedHeaders } from "../../functions/src/domain/webhook/signature.ts";
import { portOf, type Receiver, startReceiver } from "../../scripts/webhooks/receiver.ts";

const SECRET = newSecret();
const MINUTE_MS = 60_000;

/** A delivery as it is sent: signed now by `SECRET` unless told otherwise. */
function delivery({
  at = new Date(),
  secrets = [SECRET] as readonly [string, ...string[]],
  legacy = SECRET,
} = {}) {
  const { id, body } = newEvent(
    "enrollment.completed",
    { id: randomUUID(), project_id: randomUUID(), at },
    { session_id: null, member_id: randomUUID(), device_id: null, completed_at: at },
  );
  return { id, body, headers: signedHeaders({ event_id: id, body, at, secrets, legacy }) };
}

type Sent = Pick<ReturnType<typeof delivery>, "body" | "headers">;

const send = (url: string, { body, headers }: Sent) => fetch(url, { method: "POST", body, headers });

describe("The receiver of webhooks", () => {
  const open: Receiver[] = [];
  const start = async (...args: Parameters<typeof startReceiver>) => {
    const receiver = await startReceiver(...args);
    open.push(receiver);
    return receiver;
  };
  afterEach(async () => {
    await Promise.all(open.splice(0).map((receiver) => receiver.close()));
  });

  it("tells what came, and answers 200", async () => {
    const { url, received } = await start({ secrets: [SECRET] });
    const sent = delivery();
    assert.equal((await send(url, sent)).status, 200);
    const [one] = received;
    assert.ok(one);
    const { at, headers, ...rest } = one;
    assert.deepEqual(rest, {
      event_id: sent.id,
      event_type: "enrollment.completed",
      time: 1,
      verified: true,
      faults: [],
      answer: 200,
      delay_ms: 0,
      body: sent.body,
    });
    assert.ok(Math.abs(Date.now() - at.getTime()) < MINUTE_MS);
    assert.equal(headers["webhook-id"], sent.id);
  });

  it("takes the same one on IPv4 and IPv6, and marks what came before", async () => {
    const { url, received } = await start({ secrets: [SECRET] });
    const sent = delivery();
    await send(url.replace("localhost", "127.0.0.1"), sent);
    await send(url.replace("localhost", "[::1]"), sent).catch(() => send(url, sent));
    await send(url, delivery());
    assert.deepEqual(
      received.map(({ time }) => time),
      [1, 2, 1],
    );
  });

  let good: ReturnType<typeof delivery>;
  // Signed when it is used: a run of all tests may take longer than a signature is believed.
  beforeEach(() => {
    good = delivery();
  });
  const other = newSecret();
  const standard = "webhook-signature is by another secret, or of another body";
  const legacy = "X-Webhook-Signature is by another secret, or of another body";
  for (const [what, make, faults] of [
    [
      "a body that was changed",
      () => ({ ...good, body: good.body.replace("null", '"x"') }),
      [standard, legacy],
    ],
    ["another secret", () => delivery({ secrets: [other], legacy: other }), [standard, legacy]],
    [
      "a rotation, with the new secret alone",
      () => delivery({ secrets: [SECRET, other], legacy: other }),
      [legacy],
    ],
    ["a rotation, with the old secret alone", () => delivery({ secrets: [other, SECRET] }), []],
    [
      "more than 5 minutes ago",
      () => delivery({ at: new Date(Date.now() - 6 * MINUTE_MS) }),
      ["webhook-timestamp is more than 5 minutes old"],
    ],
    [
      "a clock that is ahead",
      () => delivery({ at: new Date(Date.now() + 60 * MINUTE_MS) }),
      ["webhook-timestamp is more than 5 minutes ahead"],
    ],
    [
      "no time",
      () => ({ ...good, headers: { ...good.headers, "webhook-timestamp": "now" } }),
      ["webhook-timestamp is no number"],
    ],
    [
      "nobody who signs",
      () => ({ ...good, headers: {} }),
      ["webhook-id, webhook-timestamp or webhook-signature is missing", "X-Webhook-Signature is missing"],
    ],
  ] satisfies [string, () => Sent, string[]][]) {
    it(`says what it thinks of a delivery from ${what}`, async () => {
      const { url, received } = await start({ secrets: [SECRET] });
      await send(url, make());
      assert.deepEqual(received[0]?.faults, faults);
      assert.equal(received[0]?.verified, faults.length === 0);
    });
  }

  it("verifies with each of its secrets, those that it is told later included, and nothing without one", async () => {
    const receiver = await start();
    await send(receiver.url, good);
    receiver.trust(other);
    receiver.trust(SECRET);
    await send(receiver.url, good);
    assert.deepEqual(
      receiver.received.map(({ verified }) => verified),
      [null, true],
    );
    assert.throws(() => receiver.trust("whsec_short"), /^Error: a secret is whsec_ and 44 characters/);
  });

  it("answers badly as often as it is told, then well", async () => {
    const { url, received } = await start({ status: 503, times: 2 });
    const statuses = [];
    for (let i = 0; i < 3; i++) statuses.push((await send(url, good)).status);
    assert.deepEqual(statuses, [503, 503, 200]);
    assert.deepEqual(
      received.map(({ answer }) => answer),
      statuses,
    );
  });

  it("cuts the connection without an answer", async () => {
    const { url, received } = await start({ drop: true, times: 1 });
    await assert.rejects(send(url, good), TypeError);
    assert.equal(received[0]?.answer, null);
    assert.equal((await send(url, good)).status, 200);
  });

  it("lets the sender wait, but nobody who waits for what came", async () => {
    const receiver = await start({ delay_ms: 300 });
    const started = performance.now();
    let answered = false;
    const answer = send(receiver.url, good).finally(() => {
      answered = true;
    });
    await receiver.waitFor(({ event_id }) => event_id === good.id);
    assert.equal(answered, false);
    assert.equal((await answer).status, 200);
    assert.ok(performance.now() - started >= 299);
  });

  it("waits for what matches, and says when nothing does", async () => {
    const receiver = await start();
    const second = receiver.waitFor(({ time }) => time === 2);
    await send(receiver.url, good);
    await send(receiver.url, good);
    assert.equal((await second).event_id, good.id);
    await assert.rejects(
      receiver.waitFor(({ time }) => time === 3, 50),
      /^Error: no such webhook came within 0.05 s$/,
    );
  });

  it("is closed at once, with senders that still wait", async () => {
    const receiver = await start({ delay_ms: 60_000 });
    const answer = send(receiver.url, good);
    await receiver.waitFor(() => true);
    await Promise.all([receiver.close(), assert.rejects(answer, TypeError)]);
    open.splice(0);
    await assert.rejects(send(receiver.url, good), TypeError);
  });

  it("takes what is no event, and nothing but POST", async () => {
    const { url, received } = await start({ secrets: [SECRET] });
    assert.equal((await fetch(url)).status, 405);
    await send(url, { body: "[1", headers: {} });
    await send(url, { body: '{"event_type": 5}', headers: {} });
    assert.deepEqual(
      received.map(({ event_id, event_type, time }) => [event_id, event_type, time]),
      [
        [null, null, 1],
        [null, null, 1],
      ],
    );
  });
});

describe("npm run webhooks:listen", () => {
  const running: { end(): Promise<unknown> }[] = [];
  const ESCAPE = "\u001b[2J";

  function listen(args: readonly string[], env: Record<string, string> = {}) {
    const child = spawn(process.execPath, ["--no-warnings", "scripts/webhooks-listen.ts", ...args], {
      cwd: new URL("../..", import.meta.url),
      env: { PATH: process.env["PATH"] ?? "", NO_COLOR: "1", ...env },
      stdio: ["ignore", "pipe", "pipe"],
    });
    const [out, said] = [text(child.stdout), text(child.stderr)];
    const url = new Promise<string>((resolve) => {
      const look = (chunk: Buffer) => {
        const [found] = /http:\/\/localhost:\d+\//.exec(`${chunk}`) ?? [];
        if (found) resolve(found);
      };
      child.stdout.on("data", look);
      child.stderr.on("data", look);
    });
    const ended = once(child, "exit").then(async ([code]) => ({ code, out: await out, said: await said }));
    const started = {
      url,
      ended,
      end: () => {
        child.kill("SIGINT");
        return ended;
      },
    };
    running.push(started);
    return started;
  }

  /** One that nobody listens at. */
  async function freePort(): Promise<string> {
    const server = createServer().listen(0, "127.0.0.1");
    await once(server, "listening");
    const port = portOf([server]);
    server.close();
    return `${port}`;
  }

  afterEach(async () => {
    await Promise.all(running.splice(0).map(({ end }) => end()));
  });

  it("prints a line about each delivery, its body, and at last what came", async () => {
    const { url, end } = listen(["--port", await freePort(), "--status", "500", "--times", "1"], {
      WEBHOOK_SECRET: `${newSecret()} ${SECRET}`,
    });
    const sent = delivery();
    assert.equal((await send(await url, sent)).status, 500);
    assert.equal((await send(await url, sent)).status, 200);
    await send(await url, { ...sent, body: `${sent.body} ${ESCAPE}` });
    const { code, out, said } = await end();
    const body = JSON.stringify(JSON.parse(sent.body), null, 2).replaceAll(/^/gm, "  ");
    const head = `TIME  enrollment.completed  ${sent.id}  verified`;
    const changed = "is by another secret, or of another body";
    assert.equal(
      out.replaceAll(/^\d\d:\d\d:\d\d\.\d{3}/gm, "TIME"),
      [
        `Listening. Register ${await url} as a webhook's url; Ctrl-C ends.`,
        `${head}  answered 500\n${body}`,
        `${head}  came 2 times  answered 200\n${body}`,
        `TIME  no event  ${sent.id}  NOT VERIFIED: webhook-signature ${changed}; X-Webhook-Signature ${changed}` +
          `  came 3 times  answered 200\n  ${sent.body} \uFFFD[2J`,
        "\nRequests: 3, events: 1, verified: 2.\n",
      ].join("\n"),
    );
    assert.deepEqual([code, said], [0, ""]);
  });

  it("ends with the shell that npm runs it in, which passes no signal on", async () => {
    const command = `"${process.execPath}" --no-warnings scripts/webhooks-listen.ts --port ${await freePort()}; true`;
    const shell = spawn("sh", ["-c", command], {
      cwd: new URL("../..", import.meta.url),
      env: { ...process.env, npm_lifecycle_event: "webhooks:listen", WEBHOOK_SECRET: SECRET },
      stdio: ["ignore", "pipe", "ignore"],
    });
    const said = text(shell.stdout);
    await once(shell.stdout, "data");
    shell.kill("SIGKILL");
    assert.match(await said, /\nRequests: 0, events: 0, verified: 0\.\n$/);
  });

  it("says how to come by a secret where it has none", async () => {
    const { url, end } = listen(["--port", await freePort(), "--drop"]);
    await assert.rejects(send(await url, good()), TypeError);
    const { out } = await end();
    assert.match(out, /Nothing is verified: give the secret with --secret/);
    assert.match(out, / unverified {2}cut off\n/);
  });

  it("prints one JSON document a line, and everything else elsewhere", async () => {
    const { url, end } = listen([
      "--port",
      await freePort(),
      "--json",
      "--secret",
      SECRET,
      "--delay",
      "0.01",
    ]);
    const sent = good();
    await send(await url, sent);
    await send(await url, sent);
    const { out, said } = await end();
    const lines = out.trimEnd().split("\n");
    assert.deepEqual(
      lines.map((line) => JSON.parse(line)).map(({ verified, time, delay_ms }) => [verified, time, delay_ms]),
      [
        [true, 1, 10],
        [true, 2, 10],
      ],
    );
    assert.match(said, /^webhooks:listen: Listening\./);
  });

  const good = () => delivery();

  for (const [what, args, says] of [
    ["a status that is none", ["--status", "99"], /'--status <code>'.* no whole number from 200 to 599/],
    ["a port that needs rights", ["--port", "80"], /'--port <port>'.* no whole number from 1024 to 65535/],
    ["a delay that is none", ["--delay", "soon"], /'--delay <seconds>'.* no number from 0 to 3600/],
    ["no times", ["--times", "0"], /'--times <n>'.* no whole number from 1 /],
    ["an answer and none", ["--drop", "--status", "500"], /'--drop' cannot be used with option '--status/],
    ["an option that is none", ["--forward"], /unknown option '--forward'/],
    ["a secret that is none", ["--secret", "sesame"], /a secret is whsec_ and 44 characters of base64/],
  ] as const) {
    it(`says in one line that it was given ${what}, and ends with 1`, async () => {
      const { code, out, said } = await listen(args).ended;
      assert.deepEqual([code, out, said.trimEnd().split("\n").length], [1, "", 1]);
      assert.match(said, says);
      assert.ok(!said.includes("sesame"));
    });
  }

  it("says in one line that the port is taken, and ends with 1", async () => {
    const receiver = await startReceiver();
    const { code, said } = await listen(["--port", new URL(receiver.url).port]).ended;
    await receiver.close();
    assert.equal(code, 1);
    assert.match(
      said,
      /^webhooks:listen: port \d+ is taken: end that program first, or choose another port\n$/,
    );
  });
});
