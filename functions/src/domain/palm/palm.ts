import type { Hand, TemplateFormat } from "../../palm/index.ts";
import type { Stored, Write } from "../store.ts";

/** An enrolled palm: the link from a template to whose it is. The template itself is elsewhere, sealed. */
export interface Palm {
  id: string;
  environment_id: string;
  project_id: string | null;
  member_id: string | null;
  hand: Hand;
  template_format: TemplateFormat;
  /** How many samples were fused. */
  samples: number;
  /** 0..100; null where the format has none. */
  quality: number | null;
  /** The change that put the present template into the gallery. */
  seq: number;
  /** The Storage object that holds the sealed template. */
  object: string;
  created_at: Date;
  /** Binds the palm to whose it is (Links); null in documents from before. */
  mac: Uint8Array | null;
}

/** Palms as they were found, in any order, and the ids of documents that are not palms. */
export interface FoundPalms {
  palms: Stored<Palm>[];
  malformed: string[];
}

export interface Palms {
  /** Those of `ids` that exist, in any order. */
  getMany(environment_id: string, ids: readonly string[]): Promise<Stored<Palm>[]>;
  /** The same where a malformed document must not be in the way. */
  find(environment_id: string, ids: readonly string[]): Promise<FoundPalms>;
  /** A page of an environment's palms by id, after one. */
  after(environment_id: string, id: string | undefined, limit: number): Promise<FoundPalms>;
  create(palm: Palm): Write;
  replace(was: Stored<Palm>, now: Palm): Write;
  remove(was: Stored<Palm>): Write;
  /** How many palms a project has in an environment; without one, how many there are. */
  count(environment_id: string, project_id?: string): Promise<number>;
}
