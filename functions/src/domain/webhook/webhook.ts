import type { WrappedKey } from "../palm/sealing.ts";
import type { Stored, Write } from "../store.ts";

/** What a subscription can be for. */
export const SUBSCRIBABLE = ["enrollment.completed", "demo.scan.success"] as const;
export type Subscribable = (typeof SUBSCRIBABLE)[number];

/** Why a subscription was disabled by us: it answered 410, failed for 14 days, or leads where we may not send. */
export const DISABLED_REASONS = ["gone", "failing", "destination_not_allowed"] as const;
export type DisabledReason = (typeof DISABLED_REASONS)[number];

/** How many subscriptions a project can have. */
export const MAX_WEBHOOKS = 25;

/** A project's subscription to events: where they are sent, and how its endpoint has been doing. */
export interface Webhook {
  id: string;
  project_id: string;
  /** In canonical form. */
  url: string;
  event_types: readonly Subscribable[];
  enabled: boolean;
  description: string | null;
  disabled_reason: DisabledReason | null;
  /** Sealed by the keyring `WEBHOOK_KEYS`. */
  secret: WrappedKey;
  /** The secret before, which signs too while a rotation's grace lasts. */
  old_secret: (WrappedKey & { until: Date }) | null;
  /** Which of the project's places it takes. */
  slot: number;
  created_at: Date;
  updated_at: Date;
  /** Written at most once a minute. */
  last_success_at: Date | null;
  /** The first failure since the last success. */
  first_failure_at: Date | null;
  /** How many attempts in a row met a destination that is not allowed. */
  blocked: number;
  /** What is left to be done for it, by whoever comes first: whoever asked for it, or the sweeper. */
  chores: Chores;
}

/** Each is done in pages, and safe to do twice. */
export interface Chores {
  /** Attempts that waited are to go on, since it was enabled then. */
  resume: Date | null;
  /** Failed deliveries are to be sent again: those created in this time. */
  recover: { since: Date; asked_at: Date } | null;
  /** The subscription is deleted; its history is to go, and then itself. */
  remove: boolean;
}

export const NO_CHORES: Chores = { resume: null, recover: null, remove: false };

/** A subscription that was made, or got a new secret: the one time that it is shown. */
export interface WithSecret {
  webhook: Webhook;
  secret: string;
}

export interface Webhooks {
  /** One that is not deleted. */
  get(project_id: string, id: string): Promise<Stored<Webhook> | undefined>;
  /** Those that are not deleted, in any order. */
  ofProject(project_id: string): Promise<Webhook[]>;
  create(webhook: Webhook): Write;
  replace(was: Stored<Webhook>, now: Webhook): Write;
  remove(was: Stored<Webhook>): Write;
  /** The places of a project that are taken. */
  slots(project_id: string): Promise<number[]>;
  /** Takes a place: the batch fails when somebody has it. */
  takeSlot(webhook: Webhook): Write;
  freeSlot(webhook: Webhook): Write;
  /** Those that have chores, deleted ones too, of every project. */
  withChores(limit: number): Promise<Stored<Webhook>[]>;
  /** Anew, deleted or not. */
  again(webhook: Webhook): Promise<Stored<Webhook> | undefined>;
  /** All of them, of every project, in constant memory. */
  all(): AsyncIterable<readonly Webhook[]>;
}

/** Secrets of subscriptions at rest; a sealed one opens for its own subscription alone. */
export interface SecretSealing {
  /** The keyring's keys, the last one being that which seals. */
  readonly kids: readonly string[];
  seal(webhook: Pick<Webhook, "id" | "project_id">, secret: string): WrappedKey;
  /** @throws Error when the keyring has not the key. */
  open(webhook: Pick<Webhook, "id" | "project_id">, sealed: WrappedKey): string;
}

/** Whether its events of this type are to be sent. */
export const subscribes = (webhook: Webhook, event_type: string): boolean =>
  (webhook.event_types as readonly string[]).includes(event_type);
