import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { mock } from "node:test";
import { createQueue } from "../../../functions/src/data/queue.ts";
import { openTasks } from "../../../functions/src/data/tasks.ts";

const NOW = new Date("2026-01-02T03:04:05.678Z");
const DAY_MS = 86_400_000;
const PARENT = "projects/acme/locations/europe-west1/queues/retrywebhook";
const TASK = { project_id: "p", webhook_id: "w", delivery_id: "d", attempt: 2 };

const later = (ms: number): Date => new Date(NOW.getTime() + ms);

describe("The queue", () => {
  const { env } = process;
  afterEach(() => {
    process.env = env;
  });

  describe("in production", () => {
    beforeEach(() => {
      process.env = { ...env, CLOUD_TASKS_EMULATOR_HOST: undefined };
    });

    /** The queue on a client that answers by `createTask`. */
    function stubbed(createTask: () => Promise<unknown> = async () => [{}], email = "runs@acme.example") {
      const asked: unknown[][] = [];
      const times = { opened: 0, account: 0 };
      const client = {
        createTask: (...args: unknown[]) => {
          asked.push(args);
          return createTask();
        },
        auth: {
          getCredentials: async () => {
            times.account++;
            return { client_email: email };
          },
        },
      };
      const open = async () => {
        times.opened++;
        return client as never;
      };
      const queue = createQueue({ projectId: "acme", region: "europe-west1", open, now: () => NOW });
      return { queue, asked, times };
    }

    const failing = (code?: number) => async () => {
      throw Object.assign(new Error("no"), { code });
    };

    it("asks Cloud Tasks to call the queue's function as the account that this one runs as", async () => {
      const { queue, asked } = stubbed();
      await queue.enqueue("retrywebhook", "00ff", TASK, later(300_000));
      assert.deepEqual(asked, [
        [
          {
            parent: PARENT,
            task: {
              name: `${PARENT}/tasks/00ff`,
              scheduleTime: { seconds: NOW.getTime() / 1000 - 0.678 + 300, nanos: 678_000_000 },
              dispatchDeadline: { seconds: 70 },
              httpRequest: {
                httpMethod: "POST",
                url: "https://europe-west1-acme.cloudfunctions.net/retrywebhook",
                headers: { "Content-Type": "application/json" },
                body: Buffer.from(JSON.stringify({ data: TASK })),
                oidcToken: { serviceAccountEmail: "runs@acme.example" },
              },
            },
          },
          { timeout: 5000 },
        ],
      ]);
    });

    it("opens the client with the first task, and asks for the account once", async () => {
      const { queue, times } = stubbed();
      assert.equal(times.opened, 0);
      for (const name of ["1", "2", "3"]) await queue.enqueue("deliverwebhook", name, TASK, NOW);
      assert.deepEqual(times, { opened: 1, account: 1 });
    });

    it("is content with a task of that name that is there already", async () => {
      const { queue, asked } = stubbed(failing(6));
      await queue.enqueue("deliverwebhook", "1", TASK, NOW);
      assert.equal(asked.length, 1);
    });

    for (const code of [3, 4, 5, 7, 8, 10, 14, undefined]) {
      it(`is unavailable when the client fails with ${code ?? "no code"}`, async () => {
        const { queue } = stubbed(failing(code));
        await assert.rejects(queue.enqueue("deliverwebhook", "1", TASK, NOW), {
          code: "unavailable",
          cause: Object.assign(new Error("no"), { code }),
        });
      });
    }

    it("is unavailable while nobody says what account this is, and asks again", async () => {
      const { queue, times } = stubbed(undefined, "");
      for (const asked of [1, 2]) {
        await assert.rejects(queue.enqueue("deliverwebhook", "1", TASK, NOW), { code: "unavailable" });
        assert.equal(times.account, asked);
      }
    });

    it("is unavailable when nothing has come in 10 s", async () => {
      mock.timers.enable({ apis: ["setTimeout"] });
      try {
        const { queue } = stubbed(() => new Promise(() => undefined));
        const refused = assert.rejects(queue.enqueue("deliverwebhook", "1", TASK, NOW), {
          code: "unavailable",
        });
        mock.timers.tick(10_000);
        await refused;
      } finally {
        mock.timers.reset();
      }
    });

    it("leaves to the sweeper what is due beyond the horizon of Cloud Tasks", async () => {
      const { queue, asked } = stubbed();
      await queue.enqueue("retrywebhook", "1", TASK, later(29 * DAY_MS + 1));
      assert.equal(asked.length, 0);
      await queue.enqueue("retrywebhook", "2", TASK, later(29 * DAY_MS));
      assert.equal(asked.length, 1);
    });
  });

  describe("over the wire", () => {
    let service: Server;
    let answer = { status: 200, body: "{}" };
    const asked: { url: string | undefined; body: unknown }[] = [];

    before(async () => {
      service = createServer(async (request, response) => {
        const body = Buffer.concat(await request.toArray()).toString();
        asked.push({ url: request.url, body: JSON.parse(body) });
        response.writeHead(answer.status).end(answer.body);
      }).listen(0, "127.0.0.1");
      await once(service, "listening");
    });
    after(() => {
      service.close();
      service.closeAllConnections();
    });
    beforeEach(() => {
      asked.length = 0;
      const { port } = service.address() as AddressInfo;
      process.env = { ...env, CLOUD_TASKS_EMULATOR_HOST: `127.0.0.1:${port}` };
    });

    const enqueue = (at: Date): Promise<void> => {
      const open = async () => openTasks();
      const queue = createQueue({ projectId: "acme", region: "europe-west1", open, now: () => NOW });
      return queue.enqueue("retrywebhook", "00ff", TASK, at);
    };

    it("says to the emulator what it understands, without the version and the function's address", async () => {
      answer = { status: 200, body: "{}" };
      await enqueue(later(2000));
      assert.deepEqual(asked, [
        {
          url: `/${PARENT}/tasks?$alt=json%3Benum-encoding=int`,
          body: {
            task: {
              name: `${PARENT}/tasks/00ff`,
              scheduleTime: "2026-01-02T03:04:07.678Z",
              dispatchDeadline: "70s",
              httpRequest: {
                httpMethod: 1,
                url: "",
                headers: { "Content-Type": "application/json" },
                body: Buffer.from(JSON.stringify({ data: TASK })).toString("base64"),
                oidcToken: { serviceAccountEmail: "nobody@emulator" },
              },
            },
          },
        },
      ]);
    });

    it("gives the emulator, which would run it at once, nothing that is due later than 2 s from now", async () => {
      await enqueue(later(2001));
      assert.deepEqual(asked, []);
    });

    it("takes the emulator's bare 409 as a task that is there already", async () => {
      answer = { status: 409, body: "A task with the same name already exists" };
      await enqueue(NOW);
    });

    it("tells production's 409 of a task that is there already from any other", async () => {
      const client = openTasks();
      process.env = { ...env, CLOUD_TASKS_EMULATOR_HOST: undefined };
      const open = async () =>
        Object.assign(client, { auth: { getCredentials: async () => ({ client_email: "a@b" }) } });
      const queue = createQueue({ projectId: "acme", region: "europe-west1", open, now: () => NOW });
      const say = (status: string) => JSON.stringify({ error: { code: 409, message: "no", status } });
      answer = { status: 409, body: say("ALREADY_EXISTS") };
      await queue.enqueue("deliverwebhook", "1", TASK, NOW);
      answer = { status: 409, body: say("ABORTED") };
      await assert.rejects(queue.enqueue("deliverwebhook", "1", TASK, NOW), { code: "unavailable" });
    });

    for (const status of [400, 404, 429, 500, 503]) {
      it(`is unavailable at ${status}`, async () => {
        answer = { status, body: "no" };
        await assert.rejects(enqueue(NOW), { code: "unavailable" });
      });
    }
  });
});
