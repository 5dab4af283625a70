import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, type Server, type Socket } from "node:net";
import { createIdentityTokens } from "../../functions/src/data/identity.ts";
import { createQueue } from "../../functions/src/data/queue.ts";
import { openStorage } from "../../functions/src/data/storage.ts";
import { openTasks } from "../../functions/src/data/tasks.ts";
import { createTemplates } from "../../functions/src/data/templates.ts";

/** A service that takes the connection and never answers must become our 503, not a hanging request. */
describe("A service that hangs", () => {
  let server: Server;
  let endpoint: string;
  const sockets = new Set<Socket>();

  before(async () => {
    server = createServer((socket) => sockets.add(socket)).listen(0, "127.0.0.1");
    await once(server, "listening");
    const address = server.address();
    endpoint = `http://127.0.0.1:${typeof address === "object" && address ? address.port : 0}`;
  });
  after(() => {
    server.close();
    for (const socket of sockets) socket.destroy();
  });

  const isUnavailable = async (operation: Promise<unknown>): Promise<void> => {
    await assert.rejects(operation, { code: "unavailable", headers: { "Retry-After": "1" } });
  };

  it("is unavailable: Storage, at upload and deletion", async () => {
    const emulator = process.env["STORAGE_EMULATOR_HOST"];
    process.env["STORAGE_EMULATOR_HOST"] = endpoint;
    const storage = openStorage("demo-x");
    const templates = createTemplates(async () => storage, "bucket");
    process.env["STORAGE_EMULATOR_HOST"] = emulator;
    await Promise.all([
      isUnavailable(templates.put("object", Buffer.from("sealed"))),
      isUnavailable(templates.delete("object")),
    ]);
  });

  it("is unavailable: Cloud Tasks, whose request is called off", async () => {
    const emulator = process.env["CLOUD_TASKS_EMULATOR_HOST"];
    process.env["CLOUD_TASKS_EMULATOR_HOST"] = new URL(endpoint).host;
    const tasks = openTasks();
    const queue = createQueue({
      projectId: "demo-x",
      region: "europe-west1",
      open: async () => tasks,
      now: () => new Date(),
    });
    process.env["CLOUD_TASKS_EMULATOR_HOST"] = emulator;
    const task = { project_id: "p", webhook_id: "w", delivery_id: "d", attempt: 1 };
    await isUnavailable(queue.enqueue("deliverwebhook", "00ff", task, new Date()));
  });

  it("is unavailable: Auth", async () => {
    const tokens = createIdentityTokens({ verifyIdToken: () => new Promise(() => undefined) });
    await isUnavailable(tokens.verify("a.b.c"));
  });
});
