import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";

/** What becomes of a connection; `reach` connects to the real service. */
type Fault = (client: Socket, reach: () => Socket) => void;

const late =
  (ms: number): Fault =>
  (client, reach) => {
    const service = reach();
    client.pipe(service);
    service.on("data", (part) => setTimeout(() => client.write(part), ms));
    service.on("end", () => setTimeout(() => client.end(), ms));
  };
const saying =
  (text: string): Fault =>
  (client) =>
    client.once("data", () => client.write(text));

/** Ways in which a service can be; `refuse` closes its port. */
const FAULTS = {
  pass: (client, reach) => void client.pipe(reach()).pipe(client),
  hang: () => undefined,
  refuse: (client) => client.destroy(),
  late300: late(300),
  late3000: late(3000),
  reset: (client) => client.once("data", () => client.resetAndDestroy()),
  stall: saying("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{"),
  garble: saying("\0\0\0\0 nonsense\r\n\r\n"),
  sick: saying("HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n"),
} satisfies Record<string, Fault>;

export type Mode = keyof typeof FAULTS;

/** Stands before a service, and lets it fail as a test wishes. */
export class Gate {
  /** HTTP requests that have come so far. */
  requests = 0;
  /** Bytes that the service has sent so far. */
  sent = 0;
  readonly #service: number;
  readonly #server: Server;
  readonly #clients = new Set<Socket>();
  #port = 0;
  #mode: Mode = "pass";

  private constructor(service: number) {
    this.#service = service;
    this.#server = createServer((client) => this.#take(client));
  }

  /** @param host of the service, `127.0.0.1:1234` */
  static async before(host: string): Promise<Gate> {
    const gate = new Gate(Number(host.split(":").at(-1)));
    await gate.#listen();
    return gate;
  }

  get host(): string {
    return `127.0.0.1:${this.#port}`;
  }

  /** Connections that are open now. */
  get open(): number {
    return this.#clients.size;
  }

  /** Connections that are open keep silent from now on, as those of a lost host do; `refuse` resets them. */
  async turn(mode: Mode): Promise<void> {
    if (mode === this.#mode) return;
    for (const client of this.#clients) {
      if (mode === "refuse") client.destroy();
      else client.unpipe().removeAllListeners("data").resume();
    }
    const wasClosed = this.#mode === "refuse";
    this.#mode = mode;
    if (mode === "refuse") await this.#close();
    else if (wasClosed) await this.#listen();
  }

  async stop(): Promise<void> {
    for (const client of this.#clients) client.destroy();
    await this.#close();
  }

  #take(client: Socket): void {
    this.#clients.add(client);
    client.on("close", () => this.#clients.delete(client));
    client.on("error", () => undefined);
    client.on("data", (part) => {
      if (/^[A-Z]+ \S+ HTTP\/1\.1\r\n/.test(part.toString("latin1"))) this.requests++;
    });
    FAULTS[this.#mode](client, () => {
      const service = connect(this.#service, "127.0.0.1");
      service.on("data", (part) => {
        this.sent += part.length;
      });
      service.on("error", () => client.destroy());
      client.on("close", () => service.destroy());
      return service;
    });
  }

  async #listen(): Promise<void> {
    this.#server.listen(this.#port, "127.0.0.1");
    await once(this.#server, "listening");
    this.#port = (this.#server.address() as AddressInfo).port;
  }

  async #close(): Promise<void> {
    if (!this.#server.listening) return;
    this.#server.close();
    await once(this.#server, "close");
  }
}
