import assert from "node:assert/strict";
import { createSign, generateKeyPairSync, type KeyObject } from "node:crypto";
import { createServer, type Server } from "node:http";
import { Agent } from "node:https";
import { type AddressInfo, connect } from "node:net";
import { createIdentityTokens, openAuth } from "../../functions/src/data/identity.ts";
import type { IdentityTokens } from "../../functions/src/domain/user/user.ts";
import { assertProblem, createClient } from "../support/client.ts";
import { baseUrl, newUser } from "../support/suite.ts";

const PROJECT = "palmgate-live";

/** The verifier as production has it; only where it fetches Google's keys from is ours. */
describe("ID tokens in production", () => {
  const google = generateKeyPairSync("rsa", { modulusLength: 2048 });
  const forger = generateKeyPairSync("rsa", { modulusLength: 2048 });
  let emulator: string | undefined;
  let server: Server;
  let keys: { status: number; body: string };
  let tokens: IdentityTokens;
  let agent: Agent;
  let asked: string[];

  beforeEach(async () => {
    emulator = process.env["FIREBASE_AUTH_EMULATOR_HOST"];
    delete process.env["FIREBASE_AUTH_EMULATOR_HOST"];
    keys = {
      status: 200,
      body: JSON.stringify({ k1: google.publicKey.export({ type: "spki", format: "pem" }) }),
    };
    asked = [];
    server = createServer((request, response) => {
      asked.push(request.url ?? "");
      response.writeHead(keys.status, { "Content-Type": "application/json", "Cache-Control": "max-age=60" });
      response.end(keys.body);
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const { port } = server.address() as AddressInfo;
    // Whoever is called, this agent's connections end at the key server above, without TLS.
    agent = new Agent();
    agent.createConnection = () => connect(port, "127.0.0.1");
    tokens = createIdentityTokens(openAuth(PROJECT, agent));
  });
  afterEach(() => {
    if (emulator !== undefined) process.env["FIREBASE_AUTH_EMULATOR_HOST"] = emulator;
    server.closeAllConnections();
    server.close();
  });

  const now = () => Math.floor(Date.now() / 1000);
  const claims = (more: object = {}) => ({
    iss: `https://securetoken.google.com/${PROJECT}`,
    aud: PROJECT,
    auth_time: now() - 10,
    iat: now() - 10,
    exp: now() + 3600,
    sub: "user-1",
    ...more,
  });
  const b64 = (value: object) => Buffer.from(JSON.stringify(value)).toString("base64url");
  const sign = (payload: object, key: KeyObject = google.privateKey, header: object = {}): string => {
    const text = `${b64({ alg: "RS256", kid: "k1", typ: "JWT", ...header })}.${b64(payload)}`;
    return `${text}.${createSign("RSA-SHA256").update(text).sign(key).toString("base64url")}`;
  };

  /** What a token of these claims says about its user. */
  const identity = (id: string, more: object = {}) => ({
    id,
    email_verified: false,
    lacks_second_factor: false,
    ...more,
  });

  it("takes a good one", async () => {
    assert.deepEqual(await tokens.verify(sign(claims())), identity("user-1"));
  });

  for (const [what, more, email_verified] of [
    ["a verified address", { email: "ada@blue.example", email_verified: true }, true],
    ["an address that is not verified", { email: "ada@blue.example", email_verified: false }, false],
    ["no address", {}, false],
    ["an address verified as a string", { email: "ada@blue.example", email_verified: "true" }, false],
  ] as const) {
    it(`reads ${what}`, async () => {
      assert.deepEqual(await tokens.verify(sign(claims(more))), identity("user-1", { email_verified }));
    });
  }

  it("misses a second factor only where the deployment requires one", async () => {
    const strict = createIdentityTokens(openAuth(PROJECT, agent), { requireSecondFactor: true });
    for (const [firebase, lacks_second_factor] of [
      [{ sign_in_provider: "password" }, true],
      [{ sign_in_provider: "password", sign_in_second_factor: "totp" }, false],
      [{ sign_in_provider: "password", sign_in_second_factor: "phone" }, false],
      [{ sign_in_provider: "password", sign_in_second_factor: "" }, true],
      [undefined, true],
    ] as const) {
      const token = sign(claims({ firebase }));
      assert.deepEqual(await strict.verify(token), identity("user-1", { lacks_second_factor }));
      assert.deepEqual(await tokens.verify(token), identity("user-1"));
    }
  });

  for (const [what, token] of [
    ["an unsigned one", () => `${b64({ alg: "none", typ: "JWT" })}.${b64(claims())}.`],
    ["one without a signature", () => `${sign(claims()).split(".").slice(0, 2).join(".")}.`],
    ["one by another key", () => sign(claims(), forger.privateKey)],
    ["one by a key that Google does not have", () => sign(claims(), forger.privateKey, { kid: "k2" })],
    ["an expired one", () => sign(claims({ iat: now() - 7200, exp: now() - 3600 }))],
    ["another project's", () => sign(claims({ aud: "other", iss: "https://securetoken.google.com/other" }))],
    ["another issuer's", () => sign(claims({ iss: "https://accounts.google.com" }))],
    ["one without a subject", () => sign(claims({ sub: "" }))],
    [
      "one signed with the public key as a shared secret",
      () => sign(claims(), google.privateKey, { alg: "HS256" }),
    ],
    ["an altered one", () => sign(claims()).replace(/\.[^.]+\./, `.${b64(claims({ sub: "root" }))}.`)],
    ["nonsense", () => "a.b.c"],
  ] as const) {
    it(`refuses ${what}`, async () => {
      assert.equal(await tokens.verify(token()), undefined);
    });
  }

  it("takes a disabled user's until it expires: nobody is asked about the user", async () => {
    const token = sign(claims({ sub: "disabled" }));
    assert.deepEqual(await tokens.verify(token), identity("disabled"));
    assert.deepEqual(asked, ["/robot/v1/metadata/x509/securetoken@system.gserviceaccount.com"]);
    assert.deepEqual(await tokens.verify(token), identity("disabled"));
    assert.equal(asked.length, 1, "the keys are kept");
  });

  it("says unavailable, not refused, when Google's keys cannot be had", async () => {
    keys = { status: 500, body: '{"error": "down"}' };
    await assert.rejects(tokens.verify(sign(claims())), { code: "unavailable" });
    server.closeAllConnections();
    server.close();
    await assert.rejects(tokens.verify(sign(claims())), { code: "unavailable" });
  });
});

/** Stricter than production, where a disabled user's token lives for an hour at most. */
describe("ID tokens in the emulator", () => {
  it("are refused at once when their user is disabled", async () => {
    const { uid, token } = await newUser(`${crypto.randomUUID()}@disabled.example`);
    const api = createClient(baseUrl());
    assert.deepEqual((await api("GET", "/v1/organizations", { token })).body, []);
    await openAuth("demo-palmgate-test").updateUser(uid, { disabled: true });
    assertProblem(await api("GET", "/v1/organizations", { token }), 401, "unauthenticated");
  });
});
