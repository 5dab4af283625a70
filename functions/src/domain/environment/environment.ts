import type { TemplateFormat } from "../../palm/index.ts";
import type { Effect, Stored, Write } from "../store.ts";
import type { Calibration } from "./calibration.ts";

/** Where palms live. `organization`: one customer's own; `global`: shared, its palms have no member. */
export interface Environment {
  id: string;
  organization_id: string;
  type: "organization" | "global";
  template_format: TemplateFormat;
  /** The share of non-mated searches that may end in a false identification. */
  target_fpir: number;
  server_lookup_allowed: boolean;
  /** Null until the environment is calibrated. */
  calibration: Calibration | null;
  created_at: Date;
}

export const effectOn = ({ id, organization_id }: Pick<Environment, "id" | "organization_id">): Effect => ({
  target: { type: "environment", id },
  organization_id,
});

/** Every format there is. */
export const TEMPLATE_FORMATS = [
  "palm-code.v1",
  "vector-512.v1",
] as const satisfies readonly TemplateFormat[];

export interface Environments {
  get(id: string): Promise<Stored<Environment> | undefined>;
  /** Every environment, in any order. */
  all(): Promise<Environment[]>;
  create(environment: Environment): Write;
  replace(was: Stored<Environment>, now: Environment): Write;
}
