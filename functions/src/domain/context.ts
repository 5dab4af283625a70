import type { ApiKeys } from "./apikey/apikey.ts";
import type { Permission } from "./apikey/permission.ts";
import type { Audit } from "./audit/audit.ts";
import type { Limiter } from "./budget/limiter.ts";
import type { Policies } from "./budget/policies.ts";
import type { Breaker } from "./delivery/breaker.ts";
import type { Deliveries } from "./delivery/delivery.ts";
import type { Queue } from "./delivery/queue.ts";
import type { Schedule } from "./delivery/schedule.ts";
import type { DeviceKeySealing, Devices } from "./device/device.ts";
import type { Sessions } from "./enrollment/session.ts";
import type { Calibrations } from "./environment/calibration.ts";
import type { Environments } from "./environment/environment.ts";
import type { Formats } from "./environment/formats.ts";
import type { Events } from "./event/event.ts";
import type { Garbage } from "./garbage/garbage.ts";
import type { Checks } from "./health/checkHealth.ts";
import type { IdempotencyRecords } from "./idempotency/record.ts";
import type { Members } from "./member/member.ts";
import type { DeviceLimits, Organizations } from "./organization/organization.ts";
import type { Changes } from "./palm/changes.ts";
import type { Duplicates } from "./palm/duplicates.ts";
import type { Extraction } from "./palm/extraction.ts";
import type { Galleries } from "./palm/galleries.ts";
import type { Mismatches } from "./palm/mismatches.ts";
import type { Palms } from "./palm/palm.ts";
import type { Sealing } from "./palm/sealing.ts";
import type { Templates } from "./palm/templates.ts";
import type { Projects } from "./project/project.ts";
import type { Guesses } from "./registration/guesses.ts";
import type { Registrations } from "./registration/registration.ts";
import type { Scans } from "./scan/scan.ts";
import type { Commit } from "./store.ts";
import type { Transactions } from "./transaction/transaction.ts";
import type { IdentityTokens, Users } from "./user/user.ts";
import type { Outbound } from "./webhook/outbound.ts";
import type { SecretSealing, Webhooks } from "./webhook/webhook.ts";

/** Every port there is. A function gets those that the deployment table names, a verb asks for those it uses. */
export interface Ports {
  apiKeys: ApiKeys;
  audit: Audit;
  breaker: Pick<Breaker, "enter">;
  calibrations: Calibrations;
  changes: Changes;
  checks: Checks;
  commit: Commit;
  deliveries: Deliveries;
  deviceKeys: DeviceKeySealing;
  deviceLimits: DeviceLimits;
  devices: Devices;
  duplicates: Pick<Duplicates, "look">;
  environments: Environments;
  events: Events;
  extraction: Extraction;
  formats: Pick<Formats, "of">;
  galleries: Galleries;
  garbage: Garbage;
  guesses: Pick<Guesses, "look">;
  idempotency: IdempotencyRecords;
  identityTokens: IdentityTokens;
  limiter: Pick<Limiter, "admit" | "peek">;
  members: Members;
  mismatches: Pick<Mismatches, "look">;
  organizations: Organizations;
  outbound: Outbound;
  palms: Palms;
  policies: Policies;
  projects: Projects;
  queue: Queue;
  registrations: Registrations;
  scans: Scans;
  schedule: Schedule;
  sealing: Sealing;
  secrets: SecretSealing;
  sessions: Sessions;
  templates: Templates;
  transactions: Transactions;
  users: Users;
  webhooks: Webhooks;
}

/** Time, ids and log: what a verb may not take from the outside itself. */
export interface Surroundings {
  /** The present. Whole milliseconds. */
  now(): Date;
  /** A new random UUID (v4), lower case. */
  id(): string;
  /** A number in [0, 1) for jitter. */
  random(): number;
  /** Resolves after `ms` milliseconds; when the signal aborts, at once. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
  log: Log;
}

/** Structured log. Never templates, images, keys or personal data. */
interface Log {
  warn(message: string, facts?: Record<string, unknown>): void;
  error(message: string, facts?: Record<string, unknown>): void;
}

/** What a verb gets: surroundings and the ports it names. */
export type Ctx<K extends keyof Ports = never> = Surroundings & Pick<Ports, K>;

/** Who asks from outside: a console user, or an integrator's key. */
export type Caller =
  | { type: "user"; id: string; email_verified: boolean }
  | {
      type: "api_key";
      id: string;
      organization_id: string;
      project_ids: readonly string[] | null;
      permissions: readonly Permission[] | null;
    };

/** Whoever asks: they, or a terminal. */
export type Actor = Caller | { type: "device"; id: string };

/** The API key that asks; `null` when a user, a device or the operator does. */
export const apiKeyOf = (actor: Actor | undefined): string | null =>
  actor?.type === "api_key" ? actor.id : null;
