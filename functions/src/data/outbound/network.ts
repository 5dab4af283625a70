import { Resolver } from "node:dns/promises";
import { connect, type Socket } from "node:net";

/** What the guarded client asks of the world; tests play another. */
export interface Network {
  /**
   * All addresses of one family that DNS has for a name.
   * @throws Error when it has none, or says nothing; it may as well never settle
   */
  resolve(name: string, family: 4 | 6, signal: AbortSignal): Promise<readonly string[]>;
  /** A TCP connection to an address that has passed every check; its `remoteAddress` is compared with it. */
  dial(address: string, port: number, signal: AbortSignal): Promise<Socket>;
  /** Whose certificates are good, PEM; the public authorities' when absent. */
  ca?: string;
}

/**
 * The Internet: DNS alone, never /etc/hosts, and plain TCP.
 * @param servers of DNS, `192.0.2.1` or `192.0.2.1:53`; the machine's when absent
 */
export function newInternet(servers?: readonly string[]): Network {
  return {
    async resolve(name, family, signal) {
      // One of its own has remembered nothing, and can be called off.
      const resolver = new Resolver({ tries: 2 });
      if (servers !== undefined) resolver.setServers(servers);
      const cancel = () => resolver.cancel();
      signal.addEventListener("abort", cancel);
      try {
        return await (family === 4 ? resolver.resolve4(name) : resolver.resolve6(name));
      } finally {
        signal.removeEventListener("abort", cancel);
      }
    },

    dial: (address, port, signal) =>
      new Promise((resolve, reject) => {
        const socket = connect({ host: address, port, noDelay: true, autoSelectFamily: false });
        const stop = () => socket.destroy();
        signal.addEventListener("abort", stop);
        socket.once("close", () => signal.removeEventListener("abort", stop));
        socket.once("connect", () => resolve(socket)).on("error", reject);
      }),
  };
}
