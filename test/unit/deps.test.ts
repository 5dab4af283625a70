import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import { parseEnv } from "node:util";
import * as deps from "../../functions/src/deps.ts";

const functions = new URL("../../functions/", import.meta.url);
const parameters = parseEnv(readFileSync(new URL(".env.demo-palmgate", functions), "utf8"));
const demo = parseEnv(readFileSync(new URL(".secret.local", functions), "utf8")) as Record<string, string>;
const demoKey = (ring: string) => Object.values(JSON.parse(demo[ring] ?? "{}"))[0] as string;
const newKey = () => randomBytes(32).toString("base64");

const PRODUCTION = {
  GCLOUD_PROJECT: "acme",
  METADATA_SERVER_DETECTION: "none",
  WEBHOOK_ALLOW_LOCALHOST: "false",
  WEBHOOK_OWN_PORTS: "",
};

/** Which keyrings each set of ports opens. */
const STARTS = [
  [deps.apikeysDeps, ["SEAL_KEYS"]],
  [deps.devicesDeps, ["SEAL_KEYS"]],
  [deps.enrollmentsDeps, ["SEAL_KEYS"]],
  [deps.terminalDeps, ["SEAL_KEYS"]],
  [deps.membersDeps, ["SEAL_KEYS"]],
  [deps.webhooksDeps, ["SEAL_KEYS", "WEBHOOK_KEYS"]],
  [deps.galleryDeps, ["SEAL_KEYS", "TEMPLATE_KEYS"]],
  [deps.deliveryDeps, ["WEBHOOK_KEYS"]],
  [deps.secretKeyDeps, ["WEBHOOK_KEYS"]],
  [deps.keyDeps, ["TEMPLATE_KEYS"]],
  [deps.sealKeyDeps, ["SEAL_KEYS"]],
] as const;

describe("A production process", () => {
  let before: NodeJS.ProcessEnv;
  beforeEach(() => {
    before = { ...process.env };
    for (const name of Object.keys(process.env))
      if (name.endsWith("_EMULATOR_HOST")) delete process.env[name];
    for (const name of Object.keys(demo)) delete process.env[name];
    Object.assign(process.env, parameters, PRODUCTION);
  });
  afterEach(() => {
    for (const name of Object.keys(process.env)) if (!(name in before)) delete process.env[name];
    Object.assign(process.env, before);
  });

  for (const [start, rings] of STARTS) {
    it(`does not start with unsafe keyrings: ${start.name}`, async () => {
      const own = Object.fromEntries(rings.map((ring) => [ring, { k1: newKey() }]));
      const use = (keyrings: Record<string, Record<string, string>>) => {
        for (const [ring, keys] of Object.entries(keyrings)) process.env[ring] = JSON.stringify(keys);
      };
      use(own);
      await start();
      for (const ring of rings) {
        // A demo key of any keyring, under an id of its own.
        for (const other of Object.keys(demo)) {
          use({ ...own, [ring]: { k1: newKey(), k2: demoKey(other) } });
          await assert.rejects(start, new RegExp(`^Error: k2 of ${ring}: this is a public demo key`));
        }
      }
      const same = newKey();
      use(Object.fromEntries(rings.map((ring) => [ring, { k1: newKey(), k2: same, k3: same }])));
      await assert.rejects(start, /are the same key;/);
      if (rings.length < 2) return;
      use(Object.fromEntries(rings.map((ring) => [ring, { k1: same }])));
      await assert.rejects(start, /^Error: k1 of \w+ and k1 of \w+ are the same key;/);
    });
  }
});
