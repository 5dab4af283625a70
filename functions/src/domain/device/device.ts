import type { Listing } from "../list.ts";
import type { Stored, Write } from "../store.ts";

/** A palm terminal of a project. Its key's prefix is its id. */
export interface Device {
  id: string;
  project_id: string;
  name: string;
  enabled: boolean;
  mode: "standard" | "demo";
  app_version: string | null;
  last_seen_at: Date | null;
  secret_hash: string;
  created_at: Date;
}

export interface Devices {
  get(id: string): Promise<Stored<Device> | undefined>;
  ofProject(project_id: string): Listing<Device>;
  create(device: Device): Write;
  replace(was: Stored<Device>, now: Device): Write;
}
