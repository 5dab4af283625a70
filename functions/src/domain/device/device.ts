import { advance, asOf, isActive, type Session } from "../enrollment/session.ts";
import { DomainError } from "../errors.ts";
import type { Listing } from "../list.ts";
import type { WrappedKey } from "../palm/sealing.ts";
import type { Stored, Write } from "../store.ts";

/** A palm terminal of a project. Its key's prefix is its id. */
export interface Device {
  id: string;
  project_id: string;
  name: string;
  enabled: boolean;
  mode: "standard" | "demo";
  /** What the terminal said of its hardware when it asked for a code; it is not verified. */
  model: string | null;
  app_version: string | null;
  last_seen_at: Date | null;
  secret_hash: string;
  /** Its key, sealed, for the terminal to fetch; null once the key was used or was not fetched in time. */
  unclaimed_key: (WrappedKey & { until: Date }) | null;
  /** The session that was started last, whether it goes on or has ended. */
  session: Session | null;
  created_at: Date;
}

export interface Devices {
  get(id: string): Promise<Stored<Device> | undefined>;
  ofProject(project_id: string): Listing<Device>;
  /** Those on which a session of this member is stored as active; it may have expired meanwhile. */
  enrolling(member: { id: string; project_id: string }): Promise<Stored<Device>[]>;
  /** Those that keep something past its time (`dueAt`), at most `limit`. */
  due(at: Date, limit: number): Promise<Stored<Device>[]>;
  create(device: Device): Write;
  replace(was: Stored<Device>, now: Device): Write;
  remove(was: Stored<Device>): Write;
  /** What a terminal tells of itself, whoever changed the device meanwhile; fails when it is gone. */
  touch(id: string, seen: { last_seen_at: Date; app_version: string | null }): Write;
  /**
   * Tells of the device as it is, at once and after every change, until it is stopped; undefined when it is gone.
   * @returns how to stop it
   */
  watch(id: string, watcher: DeviceWatcher): () => void;
}

export interface DeviceWatcher {
  next(device: Stored<Device> | undefined): void;
  /** Nothing more will be told. */
  error(error: unknown): void;
}

/** Seals the key of a device for the terminal that will fetch it. */
export interface DeviceKeySealing {
  seal(device_id: string, key: string): WrappedKey;
  /** @throws Error when the keyring has not the key that sealed it. */
  open(device_id: string, sealed: WrappedKey): string;
}

/** When something that the device keeps is to be tidied away: a session that ends by itself, a key not fetched. */
export function dueAt({ session, unclaimed_key }: Device): Date | null {
  const times = [
    ...(session && isActive(session) ? [session.expires_at] : []),
    ...(unclaimed_key ? [unclaimed_key.until] : []),
  ];
  return times.length > 0 ? new Date(Math.min(...times.map(Number))) : null;
}

/** The device without its active session, which the house ends; one that has expired is put down as such. */
export function endSession(device: Device, at: Date): Device {
  const now = device.session && asOf(device.session, at);
  const session = now && isActive(now) ? advance(now, "cancel", "house", at) : now;
  return session === device.session ? device : { ...device, session };
}

export const disabled = (): DomainError => new DomainError("device_disabled", "The device is disabled.");
