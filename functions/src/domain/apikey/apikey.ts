import type { Stored, Write } from "../store.ts";
import type { Permission } from "./permission.ts";

/** An integrator's key. `project_ids: null` opens the whole organization, later projects too. */
export interface ApiKey {
  id: string;
  prefix: string;
  organization_id: string;
  name: string;
  created_by_user_id: string;
  project_ids: readonly string[] | null;
  /** What it may do; `null` allows everything, as for keys from before there were permissions. */
  permissions: readonly Permission[] | null;
  secret_hash: string;
  created_at: Date;
  /** From this moment on it is refused; `null` means never. */
  expires_at: Date | null;
  last_used_at: Date | null;
  /** From when on it is refused; may lie ahead. */
  revoked_at: Date | null;
}

/** Whether the key is refused: it is revoked, its grace is over, or it has expired. */
export const hasEnded = ({ revoked_at, expires_at }: Pick<ApiKey, "revoked_at" | "expires_at">, now: Date) =>
  [revoked_at, expires_at].some((end) => end !== null && end <= now);

/** The key as it is told once, beside its record. */
export type NewApiKey = ApiKey & { key: string };

export interface ApiKeys {
  get(id: string): Promise<Stored<ApiKey> | undefined>;
  ofOrganization(organization_id: string): Promise<ApiKey[]>;
  create(key: ApiKey): Write;
  replace(was: Stored<ApiKey>, now: ApiKey): Write;
  /** Notes the time of use, whatever else changes meanwhile. */
  touch(id: string, at: Date): Promise<void>;
}
