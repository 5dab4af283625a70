import type { CloudTasksClient } from "@google-cloud/tasks";
import type { Queue, QueueName } from "../domain/delivery/queue.ts";
import { unavailable } from "../domain/errors.ts";
import { withDeadline } from "./deadline.ts";

/** What of the client is used. */
type Client = Pick<CloudTasksClient, "createTask"> & {
  auth: { getCredentials(): Promise<{ client_email?: string }> };
};

interface QueueOptions {
  projectId: string;
  region: string;
  /** Is asked for the client once, when the first task is enqueued. */
  open: () => Promise<Client>;
  now: () => Date;
}

/** How long Cloud Tasks waits for a function that has 60 s itself, in seconds. */
const DISPATCH_S = 70;
/** How long one request may take, in ms: it is called off then. */
const TIMEOUT_MS = 5_000;

/** What is different in production and in the emulator. */
const SERVICES = {
  production: {
    /** 30 days are allowed, by a clock that may not be ours. */
    horizonMs: 29 * 86_400_000,
    /** ALREADY_EXISTS */
    exists: 6,
    /** The one address that every function deployed by the Firebase CLI has, whatever Cloud Run calls it. */
    url: (project: string, region: string, fn: string) =>
      `https://${region}-${project}.cloudfunctions.net/${fn}`,
  },
  emulator: {
    /** It runs tasks at once, whenever they are due. */
    horizonMs: 2_000,
    /** ABORTED: what the client makes of a bare 409, which is also said of a 10,001st task that waits. */
    exists: 10,
    /** It knows them itself. */
    url: () => "",
  },
};

/**
 * The queues of Cloud Tasks, each of which calls the function of its name, as the account that the caller runs as.
 * What is due later than 29 days (in the emulator: 2 s) from now is left to the sweeper.
 * @see https://cloud.google.com/tasks/docs/reference/rest/v2/projects.locations.queues.tasks
 */
export function createQueue({ projectId, region, open, now }: QueueOptions): Queue {
  const service = SERVICES[process.env["CLOUD_TASKS_EMULATOR_HOST"] ? "emulator" : "production"];
  let opened: Promise<Client> | undefined;
  let account: string | undefined;

  const put = async (queue: QueueName, name: string, data: object, at: Date): Promise<void> => {
    opened ??= open();
    const client = await opened;
    account ||= (await client.auth.getCredentials()).client_email;
    if (!account) throw new Error("nobody knows which account this function runs as");
    const parent = `projects/${projectId}/locations/${region}/queues/${queue}`;
    const httpRequest = {
      httpMethod: "POST" as const,
      url: service.url(projectId, region, queue),
      headers: { "Content-Type": "application/json" },
      body: Buffer.from(JSON.stringify({ data })),
      oidcToken: { serviceAccountEmail: account },
    };
    const task = {
      name: `${parent}/tasks/${name}`,
      scheduleTime: timestamp(at),
      dispatchDeadline: { seconds: DISPATCH_S },
      httpRequest,
    };
    await client.createTask({ parent, task }, { timeout: TIMEOUT_MS });
  };

  return {
    async enqueue(queue, name, task, at) {
      if (at.getTime() - now().getTime() > service.horizonMs) return;
      await withDeadline("Cloud Tasks", put(queue, name, task, at)).catch((error: unknown) => {
        if ((error as { code?: unknown }).code !== service.exists) throw unavailable(error);
      });
    },
  };
}

const timestamp = (at: Date) => ({
  seconds: Math.floor(at.getTime() / 1000),
  nanos: (at.getTime() % 1000) * 1_000_000,
});
