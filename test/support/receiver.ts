import { once } from "node:events";
import { createServer, type IncomingHttpHeaders } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";

/** A request that came, whole. */
export interface Received {
  method: string | undefined;
  path: string | undefined;
  headers: IncomingHttpHeaders;
  body: string;
  at: Date;
}

/** A customer's endpoint, on this machine. */
export interface Receiver {
  url: string;
  /** What came, oldest first. */
  received: Received[];
  /** What it answers to the next ones, the last of these to all that follow; 204 before anything is said. */
  answer(...statuses: [number, ...number[]]): void;
  /** The first so many requests, once they are there. @throws Error when they are not within `ms` */
  first(count: number, ms: number): Promise<Received[]>;
  stop(): Promise<void>;
}

/** Starts an endpoint. It answers with its status in words, `answered <status>`. */
export async function startReceiver(): Promise<Receiver> {
  const received: Received[] = [];
  let statuses: [number, ...number[]] = [204];
  const server = createServer(async (request, response) => {
    const at = new Date();
    const { method, url: path, headers } = request;
    received.push({ method, path, headers, body: await text(request), at });
    const [status, ...more] = statuses;
    if (more.length > 0) statuses = more as typeof statuses;
    response.writeHead(status, { Connection: "close" });
    response.end(status === 204 ? undefined : `answered ${status}`);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://localhost:${port}/`,
    received,
    answer(...next) {
      statuses = next;
    },
    async first(count, ms) {
      const deadline = Date.now() + ms;
      while (received.length < count) {
        if (Date.now() > deadline)
          throw new Error(`${received.length} of ${count} requests came in ${ms} ms`);
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
      return received.slice(0, count);
    },
    async stop() {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}
