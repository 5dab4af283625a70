import { type DestinationPolicy, readDestination } from "../domain/webhook/destination.ts";
import type { Outbound, Sent } from "../domain/webhook/outbound.ts";
import { findAddresses, type Limits, type Setup } from "./outbound/connect.ts";
import { Failure, kindOf } from "./outbound/failure.ts";
import { type Network, newInternet } from "./outbound/network.ts";
import { within } from "./outbound/within.ts";

const LIMITS: Limits = { resolve: 2000, connect: 5000, total: 20_000 };

/** Always these bytes, without a time: the reason, and how long we looked for it, would tell where something is. */
const BLOCKED: Readonly<Sent> = {
  status_code: null,
  response_body: null,
  response_truncated: false,
  error: "destination_not_allowed",
  retry_after: null,
  duration_ms: 0,
};

/** What a deployment says about its webhooks' destinations. */
export interface OutboundSettings extends DestinationPolicy {
  /**
   * The DNS servers that are asked, as IP addresses; the machine's when absent or null. The machine's may know private
   * zones: what a customer learns from an answer is then more than public DNS says.
   */
  nameServers?: readonly string[] | null;
}

/**
 * The guarded client: POST over HTTP/1.1 to destinations that the policy and the addresses' ranges allow, one
 * connection for each, 20 s in all. It follows no redirect, inflates nothing, and trusts the public authorities.
 * @throws Error when localhost is allowed outside a demo project
 */
export function createOutbound({ nameServers, ...policy }: OutboundSettings): Outbound {
  if (policy.allowLocalhost) demand("may send webhooks to localhost");
  return guard({ policy, network: newInternet(nameServers ?? undefined), limits: LIMITS });
}

/**
 * The same client in a world of a test's own.
 * @throws Error outside a demo project, so that no deployment can be given a way around DNS, addresses or certificates
 */
export function createOutboundWith(
  policy: DestinationPolicy,
  { limits, ...network }: Partial<Network> & { limits?: Partial<Limits> },
): Outbound {
  demand("may give webhooks another network");
  return guard({ policy, network: { ...newInternet(), ...network }, limits: { ...LIMITS, ...limits } });
}

/** The hosts that a Firebase project has without being asked; its own domains, and Cloud Run's, it must say. */
export function hostsOf(projectId: string): string[] {
  const hosting = ["web.app", "firebaseapp.com"].flatMap((site) => [
    `${projectId}.${site}`,
    `${projectId}--*.${site}`,
  ]);
  return [`*-${projectId}.cloudfunctions.net`, ...hosting];
}

function demand(what: string): void {
  const projectId = process.env["GCLOUD_PROJECT"] ?? process.env["GOOGLE_CLOUD_PROJECT"];
  if (!projectId?.startsWith("demo-")) throw new Error(`only a demo project ${what}, not ${projectId}`);
}

function guard(setup: Setup): Outbound {
  const { policy, limits } = setup;
  return {
    async check(text) {
      const url = readDestination(text, policy);
      if (url === undefined) return undefined;
      try {
        await findAddresses(url, setup);
        return url.href;
      } catch (error) {
        if (error instanceof Failure) return undefined;
        throw error;
      }
    },

    async post(request) {
      const url = readDestination(request.url, policy);
      if (url === undefined) return { ...BLOCKED };
      // With undici, which whoever only looks at destinations starts without.
      const { Answer } = await import("./outbound/answer.ts");
      const started = performance.now();
      const answer = new Answer();
      const error = await within(limits.total, (signal) => answer.fetch(url, request, setup, signal)).then(
        () => null,
        kindOf,
      );
      if (error === "destination_not_allowed") return { ...BLOCKED };
      return answer.sent(error, Math.round(performance.now() - started));
    },
  };
}
