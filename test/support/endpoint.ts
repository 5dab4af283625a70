import { once } from "node:events";
import { type AddressInfo, connect, type Socket } from "node:net";
import { createServer, type Server, type TLSSocket } from "node:tls";
import type { Network } from "../../functions/src/data/outbound/network.ts";
import type { Certificate } from "./certificates.ts";

/** What an endpoint does when a request is here, to the last byte of its body; `reset` ends with TCP's RST. */
export type Behaviour = (socket: Socket, request: string, reset: () => void) => void;

/** Says this, and ends the connection. */
export const saying =
  (...parts: (string | Buffer)[]): Behaviour =>
  (socket) => {
    for (const part of parts) socket.write(part);
    socket.end();
  };

/** A whole response. */
export const responding = (
  status: number,
  body: string | Buffer = "",
  headers: Readonly<Record<string, string>> = {},
): Behaviour => {
  const lines = Object.entries({ ...headers, "Content-Length": String(Buffer.byteLength(body)) });
  const head = lines.map(([name, value]) => `${name}: ${value}\r\n`).join("");
  return saying(`HTTP/1.1 ${status} Whatever\r\n${head}\r\n`, body);
};

/** Says the first part at once, and then the other again and again until nobody listens. */
export const dripping =
  (head: string, drop: string | Buffer, every_ms: number): Behaviour =>
  (socket) => {
    socket.write(head);
    const timer = setInterval(() => socket.write(drop), every_ms);
    socket.once("close", () => clearInterval(timer));
  };

/** The same as fast as it is read. */
export const flooding =
  (head: string, part: Buffer): Behaviour =>
  (socket) => {
    const pour = () => {
      while (!socket.destroyed && socket.write(part)) {}
    };
    socket.write(head);
    socket.on("drain", pour);
    pour();
  };

/** An HTTPS receiver on loopback that behaves as a test wishes, and counts. */
export class Endpoint {
  /** Requests as they came, head and body. */
  readonly requests: string[] = [];
  /** TCP connections so far. */
  connections = 0;
  /** Bytes that have come over TCP, the ClientHello's too. */
  received = 0;
  /** Names that clients wanted (RFC 6066), `false` for none. */
  readonly servernames: unknown[] = [];
  /** TLS sessions that were taken up again. */
  resumed = 0;
  behaviour: Behaviour;
  /** What it says before it is asked. */
  greeting = "";
  readonly #server: Server;
  /** TCP's sockets, by the client's port. */
  readonly #sockets = new Map<number | undefined, Socket>();

  private constructor(server: Server, behaviour: Behaviour) {
    this.#server = server;
    this.behaviour = behaviour;
    server.on("connection", (socket: Socket) => {
      this.connections += 1;
      const port = socket.remotePort;
      this.#sockets.set(port, socket);
      socket.on("error", () => undefined);
      socket.on("close", () => {
        this.received += socket.bytesRead;
        this.#sockets.delete(port);
      });
    });
    server.on("tlsClientError", () => undefined);
    server.on("secureConnection", (socket) => {
      this.servernames.push((socket as TLSSocket & { servername?: string | false }).servername);
      if (socket.isSessionReused()) this.resumed += 1;
      this.#take(socket);
    });
  }

  static async start(certificate: Certificate, behaviour: Behaviour = responding(204)): Promise<Endpoint> {
    const endpoint = new Endpoint(createServer(certificate), behaviour);
    endpoint.#server.listen(0, "127.0.0.1");
    await once(endpoint.#server, "listening");
    return endpoint;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** Connections that are open now. */
  get open(): number {
    return this.#sockets.size;
  }

  async stop(): Promise<void> {
    for (const socket of this.#sockets.values()) socket.destroy();
    this.#server.close();
    await once(this.#server, "close");
  }

  #take(socket: Socket): void {
    let text = "";
    socket.on("error", () => undefined);
    if (this.greeting) socket.write(this.greeting);
    socket.on("data", (chunk) => {
      text += chunk.toString("latin1");
      const [head = "", body] = text.split(/\r\n\r\n(.*)/s);
      const length = Number(/^content-length: (\d+)/im.exec(head)?.[1] ?? 0);
      if (body === undefined || body.length < length) return;
      const request = text;
      text = "";
      this.requests.push(request);
      this.behaviour(socket, request, () => this.#sockets.get(socket.remotePort)?.resetAndDestroy());
    });
  }
}

/** Who is at an address: an endpoint, any port of loopback, nobody behind a closed port, or nobody behind a filter. */
export type Host = Endpoint | number | "closed" | "filtered";

/** Addresses of a name at the time of a question, or an answer that never comes. */
export type Zone = Record<string, readonly string[] | "silent" | (() => readonly string[])>;

/**
 * An Internet in a test's hands: its names and its hosts are its own, and every address leads to loopback. It plays a
 * network that translates addresses, so a socket says that it is connected to the one that was asked for.
 */
export class PlayedInternet {
  /** Connections that were asked for: `192.0.2.1:443`. */
  readonly dialled: string[] = [];
  /** Names that were asked for, once for each family. */
  readonly asked: string[] = [];
  readonly network: Network;

  constructor({ names, hosts, ca }: { names: Zone; hosts: Record<string, Host>; ca: string }) {
    this.network = {
      ca,
      resolve: async (name, family) => {
        this.asked.push(name);
        const entry = names[name] ?? [];
        if (entry === "silent") return new Promise(() => undefined);
        const addresses = typeof entry === "function" ? entry() : entry;
        const found = addresses.filter((address) => address.includes(":") === (family === 6));
        if (found.length === 0) throw Object.assign(new Error(`no address of ${name}`), { code: "ENODATA" });
        return found;
      },
      dial: async (address, port) => {
        this.dialled.push(`${address}:${port}`);
        const host = hosts[address] ?? "closed";
        if (host === "filtered") return new Promise(() => undefined);
        if (host === "closed") throw Object.assign(new Error("refused"), { code: "ECONNREFUSED" });
        const socket = connect(typeof host === "number" ? host : host.port, "127.0.0.1");
        await once(socket, "connect");
        return Object.defineProperty(socket, "remoteAddress", { value: address, configurable: true });
      },
    };
  }
}
