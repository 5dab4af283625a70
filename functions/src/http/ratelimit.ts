import ipaddr from "ipaddr.js";
import type { Verdict } from "../domain/budget/limiter.ts";
import type { Ctx } from "../domain/context.ts";
import { DomainError } from "../domain/errors.ts";
import type { Authenticated } from "./auth.ts";

type RateCtx = Ctx<"limiter" | "organizations" | "policies">;

/** Takes a token of the caller's budget; synchronous where the instance knows the answer. */
export function admit(ctx: RateCtx, caller: Authenticated): Verdict | Promise<Verdict> {
  if (caller.kind === "firebase") return ctx.limiter.admit(caller.account, ctx.policies.user);
  if (caller.kind === "deviceKey" || caller.kind === "claimToken") {
    return ctx.limiter.admit(caller.account, ctx.policies.terminal);
  }
  const { organization_id } = caller.actor;
  return ctx.limiter.admit(caller.account, async () => {
    const organization = await ctx.organizations.get(organization_id);
    return ctx.policies[organization?.value.plan ?? "sandbox"];
  });
}

/**
 * Counts a request without a valid credential, by its client's address and by the one that nobody can make up.
 * @throws DomainError `rate_limited`
 */
export async function admitStranger(ctx: RateCtx, { client, nearest }: Addresses): Promise<void> {
  refuse(await ctx.limiter.admit(`address:${client}`, ctx.policies.address));
  if (nearest !== client) refuse(await ctx.limiter.admit(`proxy:${nearest}`, ctx.policies.proxy));
}

/**
 * Counts a terminal out of its box: it has no credential yet.
 * @throws DomainError `rate_limited`
 */
export async function admitRegistration(ctx: RateCtx, addresses: Addresses): Promise<void> {
  await admitStranger(ctx, addresses);
  refuse(await ctx.limiter.admit(`registration:${addresses.client}`, ctx.policies.registration));
}

/** @throws DomainError `rate_limited` */
export function refuse({ admitted, retry_after_s }: Verdict): void {
  if (admitted) return;
  throw new DomainError("rate_limited", "Too many requests; try again later.", {
    headers: { "Retry-After": String(retry_after_s) },
  });
}

/** What every answer to a valid credential says (draft-ietf-httpapi-ratelimit-headers-10). */
export function rateHeaders({ policy, remaining, reset_s }: Verdict): Record<string, string> {
  if (!policy) return {};
  const { name, limit, window_ms } = policy;
  return {
    "RateLimit-Policy": `"${name}";q=${limit};w=${window_ms / 1000}`,
    RateLimit: `"${name}";r=${remaining};t=${reset_s}`,
  };
}

/** Where a request comes from: the client, and whoever handed it to us. */
export interface Addresses {
  client: string;
  nearest: string;
}

/**
 * Reads where a request comes from. Each of our proxies has appended the address that it saw, so only the last
 * `proxies` entries are to be believed; without any, the connection's own address.
 */
export function addressesOf(
  forwarded: string | undefined,
  socket: string | undefined,
  proxies: number,
): Addresses {
  const seen = proxies > 0 && forwarded ? forwarded.split(",") : [socket ?? ""];
  const nearest = network(seen.at(-1) ?? "") ?? "unknown";
  const client = network(seen.at(-proxies) ?? seen[0] ?? "") ?? nearest;
  return { client, nearest };
}

/** An IPv4 address, or the /64 of an IPv6 one: within it a host names itself as it likes. */
function network(text: string): string | undefined {
  const trimmed = text.trim();
  if (!ipaddr.isValid(trimmed)) return undefined;
  const address = ipaddr.process(trimmed);
  return address instanceof ipaddr.IPv6
    ? `${ipaddr.IPv6.networkAddressFromCIDR(`${address.toNormalizedString()}/64`)}/64`
    : address.toString();
}
