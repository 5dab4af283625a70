import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { parseEnv } from "node:util";
import { params, readDestinations, readRuntime, readSecrets, secrets } from "../../functions/src/config.ts";
import { openKeyring, parseKeyring } from "../../functions/src/data/keyring.ts";

const file = (name: string) =>
  parseEnv(readFileSync(new URL(`../../functions/${name}`, import.meta.url), "utf8"));

const emulators = {
  FIRESTORE_EMULATOR_HOST: "x:1",
  FIREBASE_AUTH_EMULATOR_HOST: "x:1",
  FIREBASE_STORAGE_EMULATOR_HOST: "x:1",
  STORAGE_EMULATOR_HOST: "http://x:1",
  CLOUD_TASKS_EMULATOR_HOST: "x:1",
};

describe("The configuration", () => {
  // A parameter without a value makes the suite prompt for ever.
  for (const name of [".env.demo-palmgate", ".env.demo-palmgate-test"]) {
    it(`has each parameter's value in ${name}, and no other`, () => {
      assert.deepEqual(Object.keys(file(name)).sort(), Object.keys(params).sort());
      for (const [key, value] of Object.entries(file(name))) assert.notEqual(value, "", key);
    });
  }

  it("has each secret's demo value in .secret.local, and no other", () => {
    assert.deepEqual(Object.keys(file(".secret.local")).sort(), Object.keys(secrets).sort());
  });

  it("has demo keyrings that are well formed and known as demo ones", () => {
    for (const [name, value] of Object.entries(file(".secret.local"))) {
      assert.match(parseKeyring(name, value ?? "").current.kid, /^demo-/);
    }
  });

  it("names parameters by what they are called", () => {
    for (const [name, param] of Object.entries({ ...params, ...secrets })) assert.equal(param.name, name);
  });

  it("refuses emulators in production, one by one", () => {
    assert.deepEqual(readRuntime({ GCLOUD_PROJECT: "acme" }), {
      projectId: "acme",
    });
    for (const [name, value] of Object.entries(emulators)) {
      assert.throws(
        () => readRuntime({ GCLOUD_PROJECT: "acme", [name]: value }),
        new RegExp(`${name} is set`),
      );
    }
  });

  it("refuses a demo project that would reach a real service", () => {
    assert.equal(readRuntime({ GCLOUD_PROJECT: "demo-x", ...emulators }).projectId, "demo-x");
    for (const name of Object.keys(emulators)) {
      assert.throws(
        () => readRuntime({ GCLOUD_PROJECT: "demo-x", ...emulators, [name]: undefined }),
        new RegExp(`${name} is not set`),
      );
    }
    assert.throws(() => readRuntime({}), /GCLOUD_PROJECT/);
  });

  describe("destinations of webhooks", () => {
    const given = {
      OWN_HOSTS: "",
      WEBHOOK_ALLOW_LOCALHOST: "false",
      WEBHOOK_OWN_PORTS: "",
      WEBHOOK_DNS: "system",
    };
    const read = (more: Partial<typeof given>) => {
      const was = Object.keys(given).map((name) => [name, process.env[name]] as const);
      Object.assign(process.env, given, more);
      try {
        return readDestinations();
      } finally {
        for (const [name, value] of was) {
          if (value === undefined) delete process.env[name];
          else process.env[name] = value;
        }
      }
    };

    it("are none of ours, unless parameters say so", () => {
      const nameServers = null;
      assert.deepEqual(read({}), { nameServers, ownHosts: [], allowLocalhost: false, ownPorts: [] });
      assert.deepEqual(
        read({
          OWN_HOSTS: "api.acme.example, *-acme.a.run.app,",
          WEBHOOK_ALLOW_LOCALHOST: "true",
          WEBHOOK_OWN_PORTS: "5001-5003,5010",
          WEBHOOK_DNS: "8.8.8.8, 2001:4860:4860::8888",
        }),
        {
          nameServers: ["8.8.8.8", "2001:4860:4860::8888"],
          ownHosts: ["api.acme.example", "*-acme.a.run.app"],
          allowLocalhost: true,
          ownPorts: [5001, 5002, 5003, 5010],
        },
      );
    });

    it("are refused as a whole where a parameter is malformed", () => {
      assert.throws(() => read({ OWN_HOSTS: "https://api.acme.example/" }), /OWN_HOSTS is no list of hosts/);
      assert.throws(() => read({ WEBHOOK_OWN_PORTS: "5001..5010" }), /WEBHOOK_OWN_PORTS is no list of ports/);
      for (const WEBHOOK_DNS of ["", ",", "dns.google", "8.8.8.8,system", "8.8.8.8:53", "8.8.8"]) {
        assert.throws(() => read({ WEBHOOK_DNS }), /WEBHOOK_DNS must be a list of IP addresses/, WEBHOOK_DNS);
      }
    });

    it("leave out the ports of every emulator of the suite", () => {
      const { emulators } = JSON.parse(
        readFileSync(new URL("../../firebase.json", import.meta.url), "utf8"),
      ) as { emulators: Record<string, { port?: number; websocketPort?: number }> };
      const ports = Object.values(emulators).flatMap(({ port, websocketPort }) => [port, websocketPort]);
      const { ownPorts } = read(file(".env.demo-palmgate"));
      for (const port of ports.filter((one) => one !== undefined)) {
        for (const shift of [0, 100, 200]) assert.ok(ownPorts.includes(port + shift), `${port + shift}`);
      }
    });
  });

  describe("the secrets", () => {
    const names = Object.keys(secrets);
    let before: (readonly [string, string | undefined])[];
    beforeEach(() => {
      before = names.map((name) => [name, process.env[name]]);
      for (const name of names) delete process.env[name];
    });
    afterEach(() => {
      for (const [name, value] of before) {
        if (value === undefined) delete process.env[name];
        else process.env[name] = value;
      }
    });

    it("are those that the process has been given", () => {
      assert.deepEqual(readSecrets(), {});
      Object.assign(process.env, { TEMPLATE_KEYS: "a", SEAL_KEYS: "" });
      assert.deepEqual(readSecrets(), { TEMPLATE_KEYS: "a" });
    });

    it("must not be empty", () => {
      for (const isDemo of [true, false]) {
        assert.throws(
          () => openKeyring("TEMPLATE_KEYS", readSecrets(), { isDemo }),
          /TEMPLATE_KEYS is empty/,
        );
      }
    });
  });
});
