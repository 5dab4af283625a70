import { CloudTasksClient } from "@google-cloud/tasks";

type ClientOptions = NonNullable<ConstructorParameters<typeof CloudTasksClient>[0]>;

/**
 * The client of Cloud Tasks; of the emulator when `CLOUD_TASKS_EMULATOR_HOST` is set. Over REST in both, because the
 * emulator has no gRPC: what is tried there is what runs in production.
 */
export function openTasks(): CloudTasksClient {
  const emulator = process.env["CLOUD_TASKS_EMULATOR_HOST"];
  return new CloudTasksClient({ fallback: true, ...(emulator ? emulated(emulator) : {}) });
}

/** The emulator is called without encryption, credentials and the version of the API in the path. */
function emulated(host: string): ClientOptions {
  const authClient = {
    getRequestHeaders: async () => new Headers(),
    getCredentials: async () => ({ client_email: "nobody@emulator" }),
    fetch: (url: string, init: RequestInit) => fetch(url.replace("/v2/", "/"), init),
  };
  const { hostname, port } = new URL(`http://${host}`);
  return {
    protocol: "http",
    apiEndpoint: hostname,
    port: Number(port),
    authClient: authClient as unknown as NonNullable<ClientOptions["authClient"]>,
  };
}
