import ipaddr from "ipaddr.js";
import type { Verdict } from "../domain/budget/limiter.ts";
import type { Ctx } from "../domain/context.ts";
import { DomainError } from "../domain/errors.ts";
import type { Authenticated } from "./auth.ts";

type RateCtx = Ctx<"limiter" | "organizations" | "policies">;

/** Takes a token from the budget of the credential; synchronous where the instance knows the answer. */
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

/** Takes a token from the budget that all terminals of an organization share. */
export async function admitTerminals(ctx: RateCtx, organization_id: string): Promise<Verdict> {
  return ctx.limiter.admit(`terminals:${organization_id}`, async () => {
    const organization = await ctx.organizations.get(organization_id);
    return ctx.policies[`${organization?.value.plan ?? "sandbox"}-terminals`];
  });
}

/**
 * Takes a token from a second budget, but only once the first has let the request through: a caller over its own limit
 * uses up nothing of what it shares with others.
 * @returns the refusal if there is one, else the verdict with fewer requests left: what the caller is told
 */
export async function admitAlso(
  own: Verdict | Promise<Verdict>,
  shared: () => Promise<Verdict>,
): Promise<Verdict> {
  const first = await own;
  if (!first.admitted) return first;
  const second = await shared();
  if (!second.admitted || !first.policy) return second;
  return second.policy && second.remaining < first.remaining ? second : first;
}

/** The subjects that a request counts for by where it comes from. */
const subjectsOf = ({ client, nearest }: Addresses): string[] => [
  `address:${client}`,
  ...(nearest === client ? [] : [`proxy:${nearest}`]),
];

/** Counts a request by its client's address, and by the nearest address, which nobody can make up. */
export async function admitAddress(ctx: RateCtx, addresses: Addresses): Promise<Verdict> {
  const refusal = knownRefusal(ctx, addresses);
  if (refusal) return refusal;
  const [client, nearest] = subjectsOf(addresses) as [string, string?];
  const verdict = ctx.limiter.admit(client, ctx.policies.address);
  if (nearest === undefined) return verdict;
  return admitAlso(verdict, async () => ctx.limiter.admit(nearest, ctx.policies.proxy));
}

/**
 * Counts a request without a valid credential.
 * @throws DomainError `rate_limited`
 */
export async function admitStranger(ctx: RateCtx, addresses: Addresses): Promise<void> {
  refuse(await admitAddress(ctx, addresses));
}

/**
 * Counts a registration, by a terminal that has no credential yet.
 * @throws DomainError `rate_limited`
 */
export async function admitRegistration(ctx: RateCtx, addresses: Addresses): Promise<void> {
  const subject = `registration:${addresses.client}`;
  const { refusal } = ctx.limiter.peek(subject);
  if (refusal) refuse(refusal);
  await admitStranger(ctx, addresses);
  refuse(await ctx.limiter.admit(subject, ctx.policies.registration));
}

/** The refusal that memory implies for a request from there without a valid credential; asks no store. */
export const knownRefusal = (ctx: RateCtx, addresses: Addresses): Verdict | undefined =>
  subjectsOf(addresses)
    .map((subject) => ctx.limiter.peek(subject).refusal)
    .find((refusal) => refusal !== undefined);

/** Whether this instance knows of no request from there without a valid credential within the window. */
export const isInGoodStanding = (ctx: RateCtx, addresses: Addresses): boolean =>
  subjectsOf(addresses).every((subject) => {
    const { admitted, refusal } = ctx.limiter.peek(subject);
    return admitted === 0 && refusal === undefined;
  });

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

/** Where a request comes from: the client, and the nearest host, which passed the request on. */
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
