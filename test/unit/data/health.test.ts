import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import {
  createAuthCheck,
  createFirestoreCheck,
  createStorageCheck,
  createTasksCheck,
} from "../../../functions/src/data/health.ts";
import { Gate } from "../../support/faults.ts";

const TOKEN = "/computeMetadata/v1/instance/service-accounts/default/token";
const QUEUE = { projectId: "acme", region: "europe-west1", queue: "deliverwebhook" };

describe("The checks of a deployment", () => {
  const { env } = process;
  const { fetch } = globalThis;
  /** Plays the metadata server, which gives tokens, and the emulator of Cloud Tasks. */
  let google: Server;
  let status = 200;
  let tasks: Gate;

  before(async () => {
    google = createServer(({ url = "" }, response) => {
      response.setHeader("Metadata-Flavor", "Google").setHeader("Content-Type", "application/json");
      if (url.startsWith(TOKEN)) response.end('{"access_token": "t", "expires_in": 3600}');
      else response.writeHead(status).end("{}");
    }).listen(0, "127.0.0.1");
    await once(google, "listening");
    const host = `127.0.0.1:${(google.address() as AddressInfo).port}`;
    tasks = await Gate.before(host);
    process.env = { ...env, GCE_METADATA_HOST: host, METADATA_SERVER_DETECTION: "assume-present" };
  });
  after(async () => {
    process.env = env;
    await tasks.stop();
    google.close();
  });
  afterEach(() => {
    globalThis.fetch = fetch;
  });

  it("ask Google, by the token of the instance, for what does not exist", async () => {
    const asked: unknown[] = [];
    globalThis.fetch = async (url, { method, body, headers } = {}) => {
      const token = new Headers(headers).get("authorization");
      asked.push([method ?? "GET", url, JSON.parse(String(body ?? null)), token]);
      return new Response("{}", { status: String(url).includes("storage") ? 404 : 200 });
    };
    await createFirestoreCheck("acme").run();
    await createAuthCheck("acme").run();
    await createStorageCheck("templates").run();
    await createTasksCheck(QUEUE).run();
    const database = "projects/acme/databases/(default)";
    assert.deepEqual(asked, [
      [
        "POST",
        `https://firestore.googleapis.com/v1/${database}/documents:batchGet`,
        { documents: [`${database}/documents/organizations/health`] },
        "Bearer t",
      ],
      [
        "POST",
        "https://identitytoolkit.googleapis.com/v1/projects/acme/accounts:lookup",
        { localId: ["health"] },
        "Bearer t",
      ],
      ["GET", "https://storage.googleapis.com/storage/v1/b/templates/o/health", null, "Bearer t"],
      [
        "GET",
        "https://cloudtasks.googleapis.com/v2/projects/acme/locations/europe-west1/queues/deliverwebhook",
        null,
        "Bearer t",
      ],
    ]);
  });

  it("tell whether a service is well, sick, refuses, hangs, or is back", async () => {
    process.env["CLOUD_TASKS_EMULATOR_HOST"] = tasks.host;
    const { run } = createTasksCheck(QUEUE);
    await run();
    status = 404;
    await assert.rejects(run(), /answered 404/);
    status = 200;
    await tasks.turn("refuse");
    await assert.rejects(run());
    await tasks.turn("hang");
    await assert.rejects(run(), { name: "TimeoutError" });
    for (let tries = 0; tries < 50 && tasks.open > 0; tries++) await sleep(20);
    assert.equal(tasks.open, 0, "the connection is let go");
    await tasks.turn("pass");
    await run();
  });
});
