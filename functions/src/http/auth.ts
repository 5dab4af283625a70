import { hasEnded } from "../domain/apikey/apikey.ts";
import type { Actor, Ctx } from "../domain/context.ts";
import { type KeyKind, type ParsedKey, parseKey, secretMatches } from "../domain/credential/key.ts";
import type { Device } from "../domain/device/device.ts";
import { forgetKey } from "../domain/device/forgetKey.ts";
import { unauthenticated } from "../domain/errors.ts";
import type { Registration } from "../domain/registration/registration.ts";
import type { Stored } from "../domain/store.ts";
import type { Credential } from "./route.ts";

/** `last_used_at` of a key is written at most this often, in ms. */
const TOUCH_MS = 60_000;

/** A credential that passed. */
export type Authenticated = {
  /** Whose idempotency records the request creates and finds. Each credential has records of its own. */
  owner: string;
  /** Whose rate limit the request counts against. */
  account: string;
  /** Work that may go on while the request is handled. */
  aside: Promise<void>;
} & (
  | { kind: "firebase"; actor: Actor & { type: "user" }; lacks_second_factor: boolean }
  | { kind: "apiKey"; actor: Actor & { type: "api_key" } }
  | { kind: "deviceKey"; actor: Actor & { type: "device" }; device: Stored<Device> }
  | { kind: "claimToken"; actor?: undefined; registration: Stored<Registration> }
);

/** The rate limit account of an actor: the API keys of an organization share its plan. */
export const accountOf = (actor: Actor): string =>
  actor.type === "api_key" ? `organization:${actor.organization_id}` : `${actor.type}:${actor.id}`;

/** Who an actor is to the records: never an organization, whose keys must not see each other's secrets. */
const subjectsOf = (actor: Actor): Pick<Authenticated, "owner" | "account"> => ({
  owner: `${actor.type}:${actor.id}`,
  account: accountOf(actor),
});

/** A credential of a known form, not yet looked up. */
export type Presented =
  | { kind: "firebase"; token: string }
  | ({ kind: Exclude<Credential, "firebase"> } & ParsedKey);

/** Which credential a key is, by what it begins with. */
const KEYS = { pg: "apiKey", pd: "deviceKey", pt: "claimToken" } as const satisfies Record<
  KeyKind,
  Credential
>;

/**
 * Reads the `Authorization` header without any look-up.
 * @throws DomainError `unauthenticated` for what cannot be a credential.
 */
export function present(authorization: string | undefined): Presented {
  const token = /^Bearer +([^\s]+)$/i.exec(authorization ?? "")?.[1];
  if (token === undefined) throw unauthenticated();
  if (token.split(".").length === 3) return { kind: "firebase", token };
  const begin = token.slice(0, 2);
  const key = Object.hasOwn(KEYS, begin) ? parseKey(begin as KeyKind, token) : undefined;
  if (!key) throw unauthenticated();
  return { kind: KEYS[begin as KeyKind], ...key };
}

/**
 * Looks the credential up.
 * @throws DomainError `unauthenticated` for one that is unknown, wrong, expired or revoked.
 */
export async function authenticate(
  ctx: Ctx<"apiKeys" | "commit" | "devices" | "identityTokens" | "registrations">,
  presented: Presented,
): Promise<Authenticated> {
  if (presented.kind === "firebase") {
    const identity = await ctx.identityTokens.verify(presented.token);
    if (!identity) throw unauthenticated();
    const { id, email_verified, lacks_second_factor } = identity;
    const actor = { type: "user", id, email_verified } as const;
    const aside = Promise.resolve();
    return { kind: "firebase", ...subjectsOf(actor), actor, lacks_second_factor, aside };
  }
  if (presented.kind === "deviceKey") {
    const device = await ctx.devices.get(presented.id);
    if (!device || !secretMatches(presented.secret, device.value.secret_hash)) throw unauthenticated();
    const { id } = device.value;
    const actor = { type: "device", id } as const;
    return { kind: "deviceKey", ...subjectsOf(actor), actor, device, aside: forgetKey(ctx, device) };
  }
  if (presented.kind === "claimToken") {
    const registration = await ctx.registrations.get(presented.id);
    const secret_hash = registration?.value.secret_hash;
    if (!secret_hash || !secretMatches(presented.secret, secret_hash)) throw unauthenticated();
    const owner = `registration:${presented.id}`;
    return { kind: "claimToken", owner, account: owner, registration, aside: Promise.resolve() };
  }
  const key = (await ctx.apiKeys.get(presented.id))?.value;
  if (!key || !secretMatches(presented.secret, key.secret_hash)) throw unauthenticated();
  const now = ctx.now();
  if (hasEnded(key, now)) throw unauthenticated();
  const { id, organization_id, project_ids, permissions } = key;
  const actor = { type: "api_key", id, organization_id, project_ids, permissions } as const;
  const stale = !key.last_used_at || now.getTime() - key.last_used_at.getTime() >= TOUCH_MS;
  return {
    kind: "apiKey",
    ...subjectsOf(actor),
    actor,
    // A key that cannot be touched still works: the time of use is a courtesy.
    aside: stale
      ? ctx.apiKeys.touch(id, now).catch((error: unknown) => {
          ctx.log.warn("last_used_at was not written", { key_id: id, error: String(error) });
        })
      : Promise.resolve(),
  };
}
