import type { Socket } from "node:net";
import { connect as connectTls, type TLSSocket } from "node:tls";
import ipaddr from "ipaddr.js";
import {
  type DestinationPolicy,
  isAllowedAddress,
  literalOf,
  nameOf,
  portOf,
  readDestination,
} from "../../domain/webhook/destination.ts";
import { Failure } from "./failure.ts";
import type { Network } from "./network.ts";
import { within } from "./within.ts";

/** How long each step may take, in ms. */
export interface Limits {
  resolve: number;
  /** For one address to answer, and once more for TLS with it. */
  connect: number;
  /** Everything, from the look-up to the last byte. */
  total: number;
}

/** How many of a name's addresses are tried: a name may have hundreds, and nobody shall aim us at them all. */
const MOST_ADDRESSES = 8;

/** Of `http://localhost`, which DNS is never asked for. */
const LOOPBACK = ["127.0.0.1", "::1"];

/** What a client is made of. */
export interface Setup {
  policy: DestinationPolicy;
  network: Network;
  limits: Limits;
}

/**
 * The addresses of a destination, each looked at: none when its name does not resolve in time.
 * @throws Failure `destination_not_allowed` when any is not allowed
 */
export async function findAddresses(
  url: URL,
  { network, limits }: Omit<Setup, "policy">,
  parent?: AbortSignal,
): Promise<readonly string[]> {
  // Nothing but localhost has passed `readDestination` as plain http.
  if (url.protocol === "http:") return LOOPBACK;
  const literal = literalOf(url);
  const ask = (family: 4 | 6) =>
    within(limits.resolve, (signal) => network.resolve(nameOf(url), family, signal), parent);
  const answers = literal === undefined ? await Promise.allSettled([ask(4), ask(6)]) : [];
  const addresses = answers.flatMap((answer) => (answer.status === "fulfilled" ? answer.value : []));
  if (literal !== undefined) addresses.push(literal);
  if (!addresses.every(isAllowedAddress)) throw new Failure("destination_not_allowed");
  return addresses;
}

/**
 * A connection to a destination, ready for the first byte of HTTP. Everything is looked at anew, so that what was true
 * at the last look does not matter, and what is looked at is what is connected to.
 * @param href what undici is about to connect to
 * @throws Failure
 */
export async function openConnection(
  href: string,
  { policy, network, limits }: Setup,
  parent: AbortSignal,
): Promise<Socket> {
  const url = readDestination(href, policy);
  if (url === undefined) throw new Failure("destination_not_allowed");
  const addresses = await findAddresses(url, { network, limits }, parent);
  // The first tells most: where there is no IPv6, its addresses fail at once, whatever is wrong.
  let failure: Failure | undefined;
  for (const address of addresses.slice(0, MOST_ADDRESSES)) {
    try {
      const socket = await within(
        limits.connect,
        (signal) => dial(network, address, portOf(url), signal),
        parent,
      );
      if (url.protocol === "http:") return socket;
      return await within(limits.connect, (signal) => secure(socket, url, network.ca, signal), parent);
    } catch (error) {
      const next = error instanceof Failure ? error : new Failure("connect_error", { cause: error });
      if (next.kind !== "connect_error" && next.kind !== "timeout") throw next;
      failure ??= next;
    }
  }
  throw failure ?? new Failure("dns_error");
}

/**
 * A TCP connection to just this address.
 * @throws Failure `destination_not_allowed` when it has become one to another
 */
async function dial(network: Network, address: string, port: number, signal: AbortSignal): Promise<Socket> {
  const socket = await network.dial(address, port, signal);
  socket.on("error", () => undefined);
  const { remoteAddress } = socket;
  if (signal.aborted || remoteAddress === undefined || !isSame(remoteAddress, address)) {
    socket.destroy();
    throw new Failure(remoteAddress === undefined ? "connect_error" : "destination_not_allowed");
  }
  return socket;
}

function isSame(a: string, b: string): boolean {
  return ipaddr.isValid(a) && ipaddr.parse(a).toNormalizedString() === ipaddr.parse(b).toNormalizedString();
}

/**
 * TLS over a connection, with the certificate checked for the destination's host; no session outlives it.
 * @throws Failure `tls_error`
 */
function secure(socket: Socket, url: URL, ca: string | undefined, signal: AbortSignal): Promise<TLSSocket> {
  const literal = literalOf(url);
  return new Promise((resolve, reject) => {
    const secured = connectTls({
      socket,
      host: literal ?? nameOf(url),
      // A server name is never an address (RFC 6066, section 3).
      servername: literal === undefined ? nameOf(url) : "",
      ALPNProtocols: ["http/1.1"],
      rejectUnauthorized: true,
      ...(ca === undefined ? {} : { ca }),
    });
    const stop = () => secured.destroy();
    signal.addEventListener("abort", stop);
    secured.once("close", () => signal.removeEventListener("abort", stop));
    secured.once("secureConnect", () => resolve(secured));
    secured.on("error", (cause) => {
      reject(new Failure("tls_error", { cause }));
      secured.destroy();
    });
    secured.once("close", () => reject(new Failure("tls_error")));
  });
}
