import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import { type AddressInfo, createServer as createTcpServer, type Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { brotliCompressSync, constants, gzipSync, zstdCompressSync } from "node:zlib";
import type { Limits } from "../../../functions/src/data/outbound/connect.ts";
import { newInternet } from "../../../functions/src/data/outbound/network.ts";
import { createOutbound, createOutboundWith, hostsOf } from "../../../functions/src/data/outbound.ts";
import { readDestination } from "../../../functions/src/domain/webhook/destination.ts";
import {
  type AttemptError,
  RESPONSE_BYTES,
  type Sent,
} from "../../../functions/src/domain/webhook/outbound.ts";
import { Authority, bytesOf } from "../../support/certificates.ts";
import {
  type Behaviour,
  dripping,
  Endpoint,
  flooding,
  type Host,
  PlayedInternet,
  responding,
  saying,
  type Zone,
} from "../../support/endpoint.ts";

const MIB = 2 ** 20;
const POLICY = {
  ownHosts: ["palmgate.example", ...hostsOf("our-project")],
  allowLocalhost: false,
  ownPorts: [],
};
/** Long enough for a busy machine, so that nothing but a trap is ended by them. */
const LIMITS: Limits = { resolve: 2000, connect: 5000, total: 10_000 };
/** For what is ended by them. */
const SHORT_MS = 60;

/** Where the endpoint of these tests lives, and what else is there. */
const PUBLIC = "93.184.215.14";
const PUBLIC_IPV6 = "2606:4700:4700::1111";
const PRIVATE = "10.0.0.1";
const HOOK = "https://hooks.example.com/in?a=b";
const OK = "HTTP/1.1 200 OK\r\n";

const BLOCKED: Sent = {
  status_code: null,
  response_body: null,
  response_truncated: false,
  error: "destination_not_allowed",
  retry_after: null,
  duration_ms: 0,
};
const { duration_ms: _, ...UNSENT } = BLOCKED;
/** What there is of an attempt that was not answered, but its time. */
const failed = (error: AttemptError): Omit<Sent, "duration_ms"> => ({ ...UNSENT, error });
const answered = (status_code: number, response_body = "", more: Partial<Sent> = {}) => ({
  status_code,
  response_body,
  response_truncated: false,
  error: status_code < 300 ? null : "http_error",
  retry_after: null,
  ...more,
});

interface Case {
  url: string;
  verdict: "allow" | "deny" | "deny_by_resolution";
}

const CORPUS = JSON.parse(
  readFileSync(new URL("../../data/ssrf-corpus.json", import.meta.url), "utf8")
    .replaceAll("REGION-OUR-PROJECT", "europe-west1-our-project")
    .replaceAll("OUR-API-DOMAIN", "palmgate.example"),
) as Case[];

/** What the corpus's names have; the corpus itself says only that one of them is closed. */
const CORPUS_ZONE: Zone = {
  "localtest.me": ["127.0.0.1"],
  "127.0.0.1.nip.io": ["127.0.0.1"],
  "a9fea9fe.nip.io": ["169.254.169.254"],
  "make-1.2.3.4-rebind-169.254-169.254-rr.1u.ms": ["1.2.3.4", "169.254.169.254"],
  "mixed-a-public-and-private.test.invalid-zone.example": [PUBLIC, PRIVATE],
  "aaaa-ula-only.example.com": ["fd00::1"],
  "example.com": [PUBLIC],
  "xn--bcher-kva.example.com": [PUBLIC, PUBLIC_IPV6],
  "a_b.example.com": [PUBLIC],
};

describe("The guarded client", () => {
  const authority = new Authority();
  let endpoint: Endpoint;

  before(async () => {
    process.env["GCLOUD_PROJECT"] = "demo-palmgate-unit";
    endpoint = await Endpoint.start(authority.issue({ host: "hooks.example.com" }));
  });
  after(async () => {
    await endpoint.stop();
    delete process.env["GCLOUD_PROJECT"];
  });
  beforeEach(() => {
    endpoint.behaviour = responding(204);
    endpoint.requests.length = 0;
  });

  /** A client on an Internet where hooks.example.com is the endpoint, unless told otherwise. */
  function newWorld({
    names = {},
    hosts = {},
    policy = POLICY,
    limits = {},
  }: {
    names?: Zone;
    hosts?: Record<string, Host>;
    policy?: typeof POLICY;
    limits?: Partial<Limits>;
  } = {}) {
    const internet = new PlayedInternet({
      ca: authority.cert,
      names: { "hooks.example.com": [PUBLIC], ...names },
      hosts: { [PUBLIC]: endpoint, ...hosts },
    });
    const outbound = createOutboundWith(policy, { ...internet.network, limits: { ...LIMITS, ...limits } });
    const post = async (url = HOOK) => {
      const sent = await outbound.post({
        url,
        headers: { "Content-Type": "application/json", "X-Webhook-Signature": "sha256=00" },
        body: '{"é":1}',
      });
      return sent;
    };
    return { internet, outbound, post };
  }

  /** What a behaviour of the endpoint comes to; the time is looked at, and left out. */
  async function meet(behaviour: Behaviour, limits: Partial<Limits> = {}) {
    endpoint.behaviour = behaviour;
    const { post } = newWorld({ limits });
    const { duration_ms, ...sent } = await post();
    assert.ok(
      Number.isInteger(duration_ms) && duration_ms >= 0 && duration_ms < LIMITS.total,
      `${duration_ms} ms`,
    );
    for (let tries = 0; tries < 100 && endpoint.open > 0; tries++) await sleep(5);
    assert.equal(endpoint.open, 0, "the connection is let go");
    return sent;
  }

  const withoutTime = ({ duration_ms: _, ...sent }: Sent) => sent;

  describe("when all is well", () => {
    it("posts these bytes, with nothing from the customer but the URL", async () => {
      const { post, internet } = newWorld();
      const { received } = endpoint;
      assert.deepEqual(withoutTime(await post()), answered(204));
      assert.deepEqual(internet.dialled, [`${PUBLIC}:443`]);
      while (endpoint.open > 0) await sleep(1);
      assert.ok(endpoint.received > received);
      assert.equal(endpoint.servernames.at(-1), "hooks.example.com");
      const [head = "", body] = (endpoint.requests[0] ?? "").split("\r\n\r\n");
      assert.equal(Buffer.from(body ?? "", "latin1").toString(), '{"é":1}');
      assert.deepEqual(head.toLowerCase().split("\r\n"), [
        "post /in?a=b http/1.1",
        "host: hooks.example.com",
        "connection: close",
        "user-agent: palmgate-webhooks/1.0",
        "accept-encoding: identity",
        "content-type: application/json",
        "x-webhook-signature: sha256=00",
        "content-length: 8",
      ]);
    });

    it("looks up and connects anew for each of five deliveries, and resumes no TLS session", async () => {
      const { post, internet } = newWorld();
      const { connections } = endpoint;
      for (let i = 0; i < 5; i++) await post();
      assert.equal(endpoint.connections - connections, 5);
      assert.equal(endpoint.resumed, 0);
      assert.equal(internet.dialled.length, 5);
      assert.equal(internet.asked.length, 10);
    });

    it("takes the addresses in turn until one answers, IPv4 first", async () => {
      const names = { "hooks.example.com": [PUBLIC_IPV6, "1.1.1.1", "9.9.9.9", PUBLIC] };
      const { post, internet } = newWorld({
        names,
        hosts: { "9.9.9.9": "filtered" },
        limits: { connect: 1500 },
      });
      assert.deepEqual(withoutTime(await post()), answered(204));
      assert.deepEqual(internet.dialled, ["1.1.1.1:443", "9.9.9.9:443", `${PUBLIC}:443`]);
    });

    it("tries no address when the time is over", async () => {
      const { post, internet } = newWorld({
        names: { "hooks.example.com": ["1.1.1.1", "9.9.9.9"] },
        hosts: { "1.1.1.1": "filtered", "9.9.9.9": "filtered" },
        limits: { total: SHORT_MS },
      });
      assert.deepEqual(withoutTime(await post()), failed("timeout"));
      await sleep(20);
      assert.deepEqual(internet.dialled, ["1.1.1.1:443"]);
    });

    it("tries no more than eight addresses", async () => {
      const many = Array.from({ length: 300 }, (_, i) => `1.1.${i % 2}.${i % 250}`);
      const { post, internet } = newWorld({ names: { "hooks.example.com": many } });
      assert.deepEqual(withoutTime(await post()), failed("connect_error"));
      assert.equal(internet.dialled.length, 8);
    });

    it("speaks to an address that stands for a name, when its certificate is for it", async () => {
      const literal = await Endpoint.start(authority.issue({ host: PUBLIC_IPV6 }));
      const { post, internet } = newWorld({ hosts: { [PUBLIC_IPV6]: literal } });
      assert.deepEqual(withoutTime(await post(`https://[${PUBLIC_IPV6}]:8443/`)), answered(204));
      assert.deepEqual(internet.dialled, [`${PUBLIC_IPV6}:8443`]);
      assert.deepEqual(literal.servernames, [false]);
      assert.deepEqual(internet.asked, []);
      assert.equal((await post(`https://${PUBLIC}/`)).error, "tls_error");
      await literal.stop();
    });

    it("speaks to a name that ends with a dot", async () => {
      const { post, internet } = newWorld();
      assert.deepEqual(withoutTime(await post("https://hooks.example.com./")), answered(204));
      assert.deepEqual(internet.asked, ["hooks.example.com", "hooks.example.com"]);
      assert.equal(endpoint.servernames.at(-1), "hooks.example.com");
    });
  });

  describe("before it connects", () => {
    for (const { url, verdict } of CORPUS) {
      const isOpen = verdict === "allow";
      it(`${isOpen ? "goes on to" : "stops at"} ${JSON.stringify(url)}`, async () => {
        const { outbound, post, internet } = newWorld({ names: CORPUS_ZONE });
        assert.equal(await outbound.check(url), isOpen ? readDestination(url, POLICY)?.href : undefined);
        const sent = await post(url);
        if (isOpen) {
          // Nobody is there, or not with that name: what counts is that it was tried.
          assert.ok(internet.dialled.length > 0);
          assert.notEqual(sent.error, "destination_not_allowed");
        } else {
          assert.deepEqual(internet.dialled, []);
          assert.deepEqual(sent, BLOCKED);
          assert.equal(internet.asked.length, verdict === "deny" ? 0 : 4);
        }
      });
    }

    it("gives the same bytes 200 times, whether the closed door is shut, filtered or open behind", async () => {
      const doors = { "10.0.0.1": "closed", "10.0.0.2": "filtered", "10.0.0.3": endpoint } as const;
      const names = Object.fromEntries(Object.keys(doors).map((door) => [`d${door}.example.com`, [door]]));
      const { post, internet } = newWorld({ names, hosts: doors });
      const { connections } = endpoint;
      const bytes = new Set<string>();
      for (let i = 0; i < 200; i++) {
        for (const door of Object.keys(doors)) {
          bytes.add(JSON.stringify(await post(`https://${door}/`)));
          bytes.add(JSON.stringify(await post(`https://d${door}.example.com/`)));
        }
      }
      assert.deepEqual([...bytes], [JSON.stringify(BLOCKED)]);
      assert.deepEqual(internet.dialled, []);
      assert.equal(endpoint.connections, connections);
    });

    it("refuses all addresses of a name for one that is closed", async () => {
      for (const addresses of [
        [PUBLIC, PRIVATE],
        [PRIVATE, PUBLIC],
        [PUBLIC, PUBLIC_IPV6, "::1"],
        [PUBLIC, "fe80::1%eth0"],
        [PUBLIC, "::ffff:8.8.8.8"],
        [PUBLIC, "nonsense"],
      ]) {
        const { outbound, post, internet } = newWorld({ names: { "hooks.example.com": addresses } });
        assert.equal(await outbound.check(HOOK), undefined);
        assert.deepEqual(await post(), BLOCKED);
        assert.deepEqual(internet.dialled, []);
      }
    });

    it("looks at a name again that was good when the webhook was created", async () => {
      const answers = [PUBLIC, PRIVATE].map((address) => [address]);
      let told = 0;
      // Both families are asked at each look.
      const names = { "hooks.example.com": () => answers[Math.floor(told++ / 2)] ?? assert.fail() };
      const { outbound, post, internet } = newWorld({ names });
      assert.equal(await outbound.check(HOOK), HOOK);
      assert.deepEqual(await post(), BLOCKED);
      assert.deepEqual(internet.dialled, []);
    });

    it("connects to the address that it has looked at, though the name has another by now", async () => {
      let told = 0;
      const names = { "hooks.example.com": () => (told++ < 2 ? [PUBLIC] : [PRIVATE]) };
      const { post, internet } = newWorld({ names, hosts: { [PRIVATE]: endpoint } });
      assert.deepEqual(withoutTime(await post()), answered(204));
      assert.deepEqual(internet.dialled, [`${PUBLIC}:443`]);
      assert.equal(told, 2);
    });

    it("accepts a name that does not resolve, at first", async () => {
      const { outbound, post, internet } = newWorld({ names: { "hooks.example.com": [] } });
      assert.equal(await outbound.check(HOOK), HOOK);
      assert.deepEqual(withoutTime(await post()), failed("dns_error"));
      assert.deepEqual(internet.dialled, []);
    });

    it("waits for a resolver only so long", async () => {
      const { outbound, post, internet } = newWorld({
        names: { "hooks.example.com": "silent" },
        limits: { resolve: SHORT_MS },
      });
      assert.equal(await outbound.check(HOOK), HOOK);
      const { duration_ms, ...sent } = await post();
      assert.deepEqual(sent, failed("dns_error"));
      assert.ok(duration_ms >= SHORT_MS - 2, `${duration_ms} ms`);
      assert.deepEqual(internet.dialled, []);
    });

    it("takes the addresses that have come when the other family's never do", async () => {
      const { internet } = newWorld();
      const deaf = createOutboundWith(POLICY, {
        ...internet.network,
        resolve: (name, family, signal) =>
          family === 4 ? internet.network.resolve(name, 4, signal) : new Promise(() => undefined),
        limits: { ...LIMITS, resolve: SHORT_MS },
      });
      assert.equal((await deaf.post({ url: HOOK, headers: {}, body: "" })).status_code, 204);
    });
  });

  describe("by real DNS", () => {
    it("asks for both families, and asks again though it has just been told", async () => {
      const dns = await answerNames({ A: [PUBLIC], AAAA: [PUBLIC_IPV6] });
      const { resolve } = newInternet(dns.servers);
      const { internet } = newWorld({ hosts: { [PUBLIC]: "closed" } });
      const outbound = createOutboundWith(POLICY, { ...internet.network, resolve, limits: LIMITS });
      for (let i = 1; i <= 2; i++) {
        await outbound.post({ url: HOOK, headers: {}, body: "" });
        assert.equal(dns.asked(), 2 * i);
      }
      assert.deepEqual(internet.dialled.slice(0, 2), [`${PUBLIC}:443`, `${PUBLIC_IPV6}:443`]);
      dns.stop();
    });

    it("sees the one closed address", async () => {
      const dns = await answerNames({ A: [PUBLIC], AAAA: ["::1"] });
      const { internet } = newWorld();
      const { resolve } = newInternet(dns.servers);
      const outbound = createOutboundWith(POLICY, { ...internet.network, resolve, limits: LIMITS });
      assert.equal(await outbound.check(HOOK), undefined);
      assert.deepEqual(await outbound.post({ url: HOOK, headers: {}, body: "" }), BLOCKED);
      assert.deepEqual(internet.dialled, []);
      dns.stop();
    });

    it("calls off a question to a server that never answers, or has no address", async () => {
      const deaf = await answerNames("silent");
      const empty = await answerNames({ A: [], AAAA: [] });
      for (const { servers } of [deaf, empty]) {
        const { internet } = newWorld();
        const { resolve } = newInternet(servers);
        const limits = { ...LIMITS, resolve: SHORT_MS };
        const outbound = createOutboundWith(POLICY, { ...internet.network, resolve, limits });
        assert.equal(await outbound.check(HOOK), HOOK);
        const sent = await outbound.post({ url: HOOK, headers: {}, body: "" });
        assert.deepEqual(withoutTime(sent), failed("dns_error"));
        assert.deepEqual(internet.dialled, []);
      }
      const given = new AbortController();
      const question = newInternet(deaf.servers).resolve("hooks.example.com", 4, given.signal);
      given.abort();
      await assert.rejects(question, { code: "ECANCELLED" });
      deaf.stop();
      empty.stop();
    });
  });

  describe("when it connects", () => {
    it("says not one byte to an address that is not the one it has looked at", async () => {
      for (const instead of [PRIVATE, "127.0.0.1", "1.1.1.1", "::ffff:93.184.215.14", "nonsense"]) {
        const { internet } = newWorld();
        const wrong = createOutboundWith(POLICY, {
          ...internet.network,
          dial: async (...asked) =>
            Object.defineProperty(await internet.network.dial(...asked), "remoteAddress", {
              value: instead,
            }),
        });
        const { received, connections } = endpoint;
        assert.deepEqual(await wrong.post({ url: HOOK, headers: {}, body: "" }), BLOCKED);
        while (endpoint.open > 0) await sleep(1);
        assert.equal(endpoint.connections, connections + 1);
        assert.equal(endpoint.received, received);
      }
    });

    it("tells a closed port from a filtered one, where it may ask at all", async () => {
      for (const [host, error] of [
        ["closed", "connect_error"],
        ["filtered", "timeout"],
      ] as const) {
        const { post, internet } = newWorld({ hosts: { [PUBLIC]: host }, limits: { connect: SHORT_MS } });
        assert.deepEqual(withoutTime(await post()), failed(error));
        assert.deepEqual(internet.dialled, [`${PUBLIC}:443`]);
      }
    });

    it("tells of the first address that failed", async () => {
      const names = { "hooks.example.com": [PUBLIC, PUBLIC_IPV6] };
      const { post, internet } = newWorld({
        names,
        hosts: { [PUBLIC]: "filtered" },
        limits: { connect: SHORT_MS },
      });
      assert.deepEqual(withoutTime(await post()), failed("timeout"));
      assert.deepEqual(internet.dialled, [`${PUBLIC}:443`, `${PUBLIC_IPV6}:443`]);
    });

    for (const [what, newCertificate] of [
      ["for another name", () => authority.issue({ host: "other.example.com" })],
      [
        "that has expired",
        () => authority.issue({ host: "hooks.example.com", to: new Date(Date.now() - 1000) }),
      ],
      [
        "that is not valid yet",
        () => authority.issue({ host: "hooks.example.com", from: new Date(Date.now() + 60_000) }),
      ],
      ["of an authority that nobody knows", () => new Authority().issue({ host: "hooks.example.com" })],
    ] as const) {
      it(`refuses a certificate ${what}`, async () => {
        const impostor = await Endpoint.start(newCertificate());
        const { post } = newWorld({ hosts: { [PUBLIC]: impostor } });
        assert.deepEqual(withoutTime(await post()), failed("tls_error"));
        assert.deepEqual(impostor.requests, []);
        await impostor.stop();
      });
    }

    it("refuses a bad certificate though the environment says that all are good", async () => {
      const impostor = await Endpoint.start(new Authority().issue({ host: "hooks.example.com" }));
      process.env["NODE_TLS_REJECT_UNAUTHORIZED"] = "0";
      const { post } = newWorld({ hosts: { [PUBLIC]: impostor } });
      const sent = await post().finally(() => delete process.env["NODE_TLS_REJECT_UNAUTHORIZED"]);
      assert.deepEqual(withoutTime(sent), failed("tls_error"));
      await impostor.stop();
    });

    it("refuses a good certificate of the other host of an address", async () => {
      const { post } = newWorld({ names: { "other.example.com": [PUBLIC] } });
      assert.equal((await post("https://other.example.com/")).error, "tls_error");
      assert.deepEqual(endpoint.requests, []);
    });

    it("calls it TLS when there is none, and a timeout when it never ends", async () => {
      for (const [greeting, error, limits] of [
        ["HTTP/1.1 200 OK\r\n\r\n", "tls_error", {}],
        ["", "timeout", { connect: SHORT_MS }],
      ] as const) {
        const plain = await listen((socket) => void (greeting && socket.write(greeting)));
        const { post } = newWorld({ hosts: { [PUBLIC]: plain.port }, limits });
        assert.deepEqual(withoutTime(await post()), failed(error));
        while (plain.open > 0) await sleep(1);
        await plain.stop();
      }
    });
  });

  describe("when it is answered", () => {
    for (const status of [301, 302, 303, 307, 308]) {
      it(`goes nowhere by a ${status}`, async () => {
        const target = await Endpoint.start(authority.issue({ host: "target.example.com" }));
        endpoint.behaviour = responding(status, "", { Location: "https://target.example.com/" });
        const { post, internet } = newWorld({
          names: { "target.example.com": ["1.1.1.1"] },
          hosts: { "1.1.1.1": target },
        });
        assert.deepEqual(withoutTime(await post()), answered(status));
        assert.equal(endpoint.requests.length, 1);
        assert.equal(target.requests.length + target.connections, 0);
        assert.deepEqual(internet.dialled, [`${PUBLIC}:443`]);
        await target.stop();
      });
    }

    it("calls 2xx a success, and nothing else", async () => {
      for (const status of [200, 201, 202, 204, 206, 226, 299]) {
        assert.deepEqual(await meet(responding(status)), answered(status));
      }
      for (const status of [300, 304, 400, 404, 410, 429, 500, 503, 599, 999]) {
        assert.deepEqual(await meet(responding(status)), answered(status));
      }
    });

    it("hands on Retry-After as it came, the first of two", async () => {
      const later = responding(503, "", { "Retry-After": "Wed, 21 Oct 2026 07:28:00 GMT" });
      assert.deepEqual(
        await meet(later),
        answered(503, "", { retry_after: "Wed, 21 Oct 2026 07:28:00 GMT" }),
      );
      const twice = saying(
        "HTTP/1.1 429 Slow\r\nRetry-After: 7\r\nRetry-After: 9\r\nContent-Length: 0\r\n\r\n",
      );
      assert.deepEqual(await meet(twice), answered(429, "", { retry_after: "7" }));
    });

    it("hands on Retry-After without the white space around it", async () => {
      // RFC 9110, 5.5.
      for (const value of ["120 ", " \t120\t", "120", "\t 120 \t "]) {
        const padded = saying(`HTTP/1.1 503 Busy\r\nRetry-After:${value}\r\nContent-Length: 0\r\n\r\n`);
        assert.deepEqual(
          await meet(padded),
          answered(503, "", { retry_after: "120" }),
          JSON.stringify(value),
        );
      }
    });

    it("keeps exactly 102,400 bytes of a body, and says when there was one more", async () => {
      assert.equal(RESPONSE_BYTES, 102_400);
      const whole = "x".repeat(RESPONSE_BYTES);
      const chunked = (body: string) =>
        saying(`${OK}Transfer-Encoding: chunked\r\n\r\n${body.length.toString(16)}\r\n${body}\r\n0\r\n\r\n`);
      const untilClosed = (body: string) => saying(`${OK}\r\n${body}`);
      for (const way of [(body: string) => responding(200, body), chunked, untilClosed]) {
        assert.deepEqual(await meet(way(whole)), answered(200, whole));
        assert.deepEqual(await meet(way(`${whole}y`)), answered(200, whole, { response_truncated: true }));
      }
    });

    it("tells a body that is no UTF-8 with U+FFFD for what is none", async () => {
      const body = Buffer.of(0x68, 0xc3, 0xa9, 0, 0xff, 0xfe, 0xe2, 0x82);
      assert.deepEqual(await meet(responding(200, body)), answered(200, "h\u00e9\0\ufffd\ufffd\ufffd"));
      const noise = randomBytes(RESPONSE_BYTES);
      assert.deepEqual(await meet(responding(200, noise)), answered(200, noise.toString("utf8")));
    });

    for (const [coding, compress] of [
      ["gzip", gzipSync],
      [
        "br",
        (bytes: Buffer) => brotliCompressSync(bytes, { params: { [constants.BROTLI_PARAM_QUALITY]: 1 } }),
      ],
      ["zstd", zstdCompressSync],
    ] as const) {
      it(`leaves a bomb of ${coding} as it is`, async () => {
        const bomb = compress(Buffer.alloc(64 * MIB));
        const { rss } = process.memoryUsage();
        const sent = await meet(responding(200, bomb, { "Content-Encoding": coding }));
        const kept = bomb.subarray(0, RESPONSE_BYTES);
        const response_truncated = bomb.length > RESPONSE_BYTES;
        assert.deepEqual(sent, answered(200, kept.toString("utf8"), { response_truncated }));
        assert.ok(process.memoryUsage().rss - rss < 32 * MIB);
      });
    }

    it("keeps the status of a response that breaks off after the status line", async () => {
      // What is not yet read when a reset comes is lost, in any client.
      const reset =
        (text: string): Behaviour =>
        (socket, _, reset) =>
          socket.write(text, () => setTimeout(reset, 20));
      const broken = { response_truncated: true };
      assert.deepEqual(await meet(reset(OK)), answered(200, "", broken));
      assert.deepEqual(await meet(saying(OK)), answered(200, "", broken));
      assert.deepEqual(await meet(reset("HTTP/1.1 500 No\r\n")), answered(500, "", broken));
      assert.deepEqual(await meet(reset(`${OK}Content-Le`)), answered(200, "", broken));
      assert.deepEqual(await meet(reset(`${OK}Content-Length: 9\r\n\r\n`)), answered(200, "", broken));
      assert.deepEqual(await meet(reset(`${OK}Content-Length: 9\r\n\r\nabc`)), answered(200, "abc", broken));
      assert.deepEqual(
        await meet(reset(`${OK}Transfer-Encoding: chunked\r\n\r\n5\r\nabc`)),
        answered(200, "abc", broken),
      );
      assert.deepEqual(
        await meet(reset(`${OK}Transfer-Encoding: chunked\r\n\r\nnonsense\r\n`)),
        answered(200, "", broken),
      );
      assert.deepEqual(
        await meet(saying(`${OK}X: ${"x".repeat(100_000)}\r\n\r\n`)),
        answered(200, "", broken),
      );
    });

    it("passes over what comes before the response", async () => {
      const interim =
        "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>; rel=preload\r\n\r\n";
      const last = "HTTP/1.1 201 Created\r\nContent-Length: 2\r\n\r\nhi";
      assert.deepEqual(await meet(saying(interim + last)), answered(201, "hi"));
      const bitwise: Behaviour = async (socket) => {
        socket.on("close", () => undefined);
        for (const byte of interim + last) {
          socket.write(byte);
          await sleep(0);
        }
        socket.end();
      };
      assert.deepEqual(await meet(bitwise), answered(201, "hi"));
      assert.deepEqual(await meet(saying(interim.repeat(500) + last)), failed("connect_error"));
      assert.deepEqual(
        await meet(saying("HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n")),
        { ...answered(101), error: "http_error", response_truncated: true },
      );
    });

    it("calls it a connection's end when nothing is said, and HTTP's when it is none", async () => {
      assert.deepEqual(await meet((socket) => socket.end()), failed("connect_error"));
      assert.deepEqual(await meet((_, __, reset) => reset()), failed("connect_error"));
      assert.deepEqual(await meet(saying("HTTP/1.")), failed("connect_error"));
      for (const garbage of [
        "nonsense",
        "\0\0\0\0\r\n",
        "HTTP/2 200\r\n\r\n",
        "HTTP/1.1 2000\r\n\r\n",
        "\r\n\r\n\r\nx",
      ]) {
        assert.deepEqual(await meet((socket) => void socket.write(garbage)), failed("http_error"), garbage);
      }
    });

    it("takes an answer that comes before its request has ended", async () => {
      const eager = await Endpoint.start(authority.issue({ host: "hooks.example.com" }));
      eager.greeting = `${OK}Content-Length: 2\r\n\r\nhi`;
      const { outbound } = newWorld({ hosts: { [PUBLIC]: eager } });
      const sent = await outbound.post({ url: HOOK, headers: {}, body: "x".repeat(MIB) });
      assert.deepEqual(withoutTime(sent), answered(200, "hi"));
      await eager.stop();
    });

    describe("too slowly", () => {
      const total = 100;
      for (const [what, behaviour, outcome] of [
        ["not at all", () => undefined, failed("timeout")],
        ["with a head that drips", dripping(OK, "X-Y: z\r\n", 10), failed("timeout")],
        ["with a status line that drips", dripping("HTTP/1.1 2", "0", 1000), failed("timeout")],
        ["with early hints for ever", dripping("", "HTTP/1.1 103 Early Hints\r\n\r\n", 5), failed("timeout")],
      ] as const) {
        it(`ends after the total time when it is answered ${what}`, async () => {
          const started = performance.now();
          assert.deepEqual(await meet(behaviour, { total }), outcome);
          assert.ok(performance.now() - started >= total - 2);
        });
      }

      it("keeps what has dripped of a body", async () => {
        const started = performance.now();
        const sent = await meet(dripping(`${OK}Content-Length: 500\r\n\r\n`, "z", 20), { total: 300 });
        assert.ok(performance.now() - started >= 298);
        assert.match(sent.response_body ?? "", /^z{1,15}$/);
        assert.deepEqual(sent, answered(200, sent.response_body ?? "", { response_truncated: true }));
      });
    });

    it("takes no more of an endless body than it keeps", async () => {
      const part = Buffer.alloc(2 ** 16, "e");
      const kept = "e".repeat(RESPONSE_BYTES);
      const chunk = Buffer.concat([Buffer.from("10000\r\n"), part, Buffer.from("\r\n")]);
      const chunked = flooding(`${OK}Transfer-Encoding: chunked\r\n\r\n`, chunk);
      assert.deepEqual(await meet(chunked), answered(200, kept, { response_truncated: true }));
      assert.deepEqual(
        await meet(flooding(`${OK}\r\n`, part)),
        answered(200, kept, { response_truncated: true }),
      );
    });

    it("needs no more memory for 200 of the worst answers than for the first", async () => {
      const part = Buffer.alloc(2 ** 16, "e");
      const bomb = gzipSync(Buffer.alloc(64 * MIB));
      const worst = [
        flooding(`${OK}\r\n`, part),
        flooding(`${OK}Transfer-Encoding: chunked\r\n\r\n`, Buffer.from("1\r\ne\r\n".repeat(10_000))),
        flooding(OK, Buffer.from(`X-Y: ${"z".repeat(1000)}\r\n`)),
        flooding("", Buffer.from("HTTP/1.1 103 Early Hints\r\n\r\n")),
        responding(200, bomb, { "Content-Encoding": "gzip" }),
        responding(200, randomBytes(MIB)),
      ];
      const { post } = newWorld({ limits: { total: 20 } });
      const round = async () => {
        for (const behaviour of worst) {
          endpoint.behaviour = behaviour;
          await post();
        }
      };
      for (let i = 0; i < 3; i++) await round();
      const before = await settled();
      for (let i = 0; i < 34; i++) await round();
      const { rss, heapUsed, external } = await settled();
      const growth = {
        rss: rss - before.rss,
        heap: heapUsed - before.heapUsed,
        external: external - before.external,
      };
      const isFlat = growth.rss < 128 * MIB && growth.heap < 4 * MIB && growth.external < 4 * MIB;
      assert.ok(isFlat, JSON.stringify(growth));
    });
  });

  describe("when localhost is allowed", () => {
    it("posts to 127.0.0.1, then ::1, and asks no resolver", async () => {
      const receiver = createServer((_, response) => response.end("here")).listen(0, "127.0.0.1");
      await once(receiver, "listening");
      const { port } = receiver.address() as AddressInfo;
      const policy = { ...POLICY, allowLocalhost: true };
      const url = `http://localhost:${port}/`;
      for (const address of ["127.0.0.1", "::1"]) {
        const { outbound, post, internet } = newWorld({ policy, hosts: { [address]: port } });
        assert.equal(await outbound.check(url), url);
        assert.deepEqual(withoutTime(await post(url)), answered(200, "here"));
        assert.deepEqual(
          internet.dialled,
          ["127.0.0.1", "::1"].slice(0, address === "::1" ? 2 : 1).map((each) => `${each}:${port}`),
        );
        assert.deepEqual(internet.asked, []);
        assert.deepEqual(await post(`http://127.0.0.1:${port}/`), BLOCKED);
      }
      receiver.close();
    });

    it("allows no name that leads there", async () => {
      const policy = { ...POLICY, allowLocalhost: true };
      const { outbound, post, internet } = newWorld({
        policy,
        names: { "hooks.example.com": ["127.0.0.1"] },
      });
      assert.equal(await outbound.check(HOOK), undefined);
      assert.deepEqual(await post(), BLOCKED);
      assert.deepEqual(internet.dialled, []);
    });
  });

  describe("in production", () => {
    it("knows the hosts of its project", () => {
      const isOwn = (host: string) => readDestination(`https://${host}/`, POLICY) === undefined;
      assert.ok(
        [
          "our-project.web.app",
          "our-project.firebaseapp.com",
          "our-project--preview-a1b2.web.app",
          "us-central1-our-project.cloudfunctions.net",
        ].every(isOwn),
      );
      assert.ok(!["web.app", "our-projects.web.app", "europe-west1-other.cloudfunctions.net"].some(isOwn));
    });

    it("asks only the given name servers, so that a name of a private zone is like one that does not exist", async () => {
      const inside = await answerNames({ A: ["10.0.0.1"], AAAA: [] });
      const outside = await answerNames({ A: [], AAAA: [] });
      try {
        // The oracle: a resolver that knows a private zone refuses what exists in it.
        const known = createOutbound({ ...POLICY, nameServers: inside.servers });
        assert.equal(await known.check(HOOK), undefined);
        const asked = inside.asked();
        const outbound = createOutbound({ ...POLICY, nameServers: outside.servers });
        for (const url of [HOOK, "https://nobody.example.com/"]) {
          assert.equal(await outbound.check(url), url);
          assert.deepEqual(
            withoutTime(await outbound.post({ url, headers: {}, body: "" })),
            failed("dns_error"),
          );
        }
        assert.ok(outside.asked() >= 8, `${outside.asked()}`);
        assert.equal(inside.asked(), asked);
      } finally {
        inside.stop();
        outside.stop();
      }
    });

    const projects = { acme: "acme", nothing: undefined };
    afterEach(() => {
      process.env["GCLOUD_PROJECT"] = "demo-palmgate-unit";
    });

    for (const [what, project] of Object.entries(projects)) {
      it(`takes no other network, nor localhost, under ${what}`, () => {
        if (project === undefined) delete process.env["GCLOUD_PROJECT"];
        else process.env["GCLOUD_PROJECT"] = project;
        assert.throws(() => createOutboundWith(POLICY, {}), /only a demo project/);
        assert.throws(() => createOutbound({ ...POLICY, allowLocalhost: true }), /only a demo project/);
        assert.ok(createOutbound(POLICY));
      });
    }

    it("dials by itself, whatever it is given", async () => {
      const receiver = createServer((_, response) => response.end("real")).listen(0, "127.0.0.1");
      await once(receiver, "listening");
      const never = () => assert.fail("asked another network");
      const create = createOutbound as (...given: unknown[]) => ReturnType<typeof createOutbound>;
      const outbound = create({ ...POLICY, allowLocalhost: true }, { dial: never, resolve: never });
      const url = `http://localhost:${(receiver.address() as AddressInfo).port}/`;
      assert.deepEqual(
        withoutTime(await outbound.post({ url, headers: {}, body: "" })),
        answered(200, "real"),
      );
      assert.equal(createOutbound.length, 1);
      receiver.close();
    });
  });
});

/** What is in use when all that is not has been collected. */
async function settled(): Promise<NodeJS.MemoryUsage> {
  setFlagsFromString("--expose-gc");
  const collect = runInNewContext("gc") as () => void;
  for (let i = 0; i < 3; i++) {
    await sleep(20);
    collect();
  }
  return process.memoryUsage();
}

/** A server of plain TCP on loopback. */
async function listen(greet: (socket: Socket) => void) {
  const sockets = new Set<Socket>();
  const server = createTcpServer((socket) => {
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket));
    socket.on("error", () => undefined).resume();
    greet(socket);
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    port: (server.address() as AddressInfo).port,
    /** Connections that are open now. */
    get open() {
      return sockets.size;
    },
    async stop() {
      await once(server.close(), "close");
    },
  };
}

/** A DNS server on loopback (RFC 1035) that has the same addresses for every name, with a TTL of 0. */
async function answerNames(addresses: Record<"A" | "AAAA", readonly string[]> | "silent") {
  const server = createSocket("udp4");
  let asked = 0;
  server.on("message", (query, { port, address }) => {
    asked += 1;
    if (addresses === "silent") return;
    const end = query.indexOf(0, 12) + 5;
    const type = query.readUInt16BE(end - 4);
    const records = addresses[type === 1 ? "A" : "AAAA"].map((each) => {
      const data = bytesOf(each);
      return Buffer.concat([Buffer.of(0xc0, 12, 0, type, 0, 1, 0, 0, 0, 0, 0, data.length), data]);
    });
    const head = Buffer.concat([
      query.subarray(0, 2),
      Buffer.of(0x81, 0x80, 0, 1, 0, records.length, 0, 0, 0, 0),
    ]);
    server.send(Buffer.concat([head, query.subarray(12, end), ...records]), port, address);
  });
  server.bind(0, "127.0.0.1");
  await once(server, "listening");
  return {
    servers: [`127.0.0.1:${server.address().port}`],
    asked: () => asked,
    stop: () => server.close(),
  };
}
