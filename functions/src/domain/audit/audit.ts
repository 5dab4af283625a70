import type { Ctx } from "../context.ts";
import type { Listing, Range } from "../list.ts";
import type { Commit, Effect, Write } from "../store.ts";

export const ACTORS = ["user", "api_key", "device", "operator"] as const;

/** Who changed what, when: ids alone, no personal data. */
export interface AuditEntry {
  id: string;
  organization_id: string;
  project_id: string | null;
  actor: { type: (typeof ACTORS)[number]; id: string };
  /** The API's operationId, or the operator's command. */
  operation: string;
  target: Effect["target"];
  request_id: string;
  created_at: Date;
}

/** For how long an entry is kept. */
export const AUDIT_RETENTION_MS = 400 * 24 * 60 * 60_000;

export interface Audit {
  create(entry: AuditEntry): Write;
  ofOrganization(organization_id: string, range: Range): Listing<AuditEntry>;
}

/** A request, as its entries tell of it. */
interface Request {
  actor: AuditEntry["actor"];
  operation: string;
  request_id: string;
  /** Where it acts, unless each effect says so. */
  organization_id?: string | undefined;
  project_id?: string | undefined;
}

/** A commit that writes an audit entry into each batch that has an effect. */
export function audited(ctx: Ctx<"audit" | "commit">, request: Request): Commit {
  return (writes, effect) =>
    ctx.commit(effect ? [...writes, ctx.audit.create(entryOf(ctx, request, effect))] : writes, effect);
}

function entryOf(ctx: Ctx, request: Request, effect: Effect): AuditEntry {
  const { actor, operation, request_id } = request;
  const organization_id = effect.organization_id ?? request.organization_id;
  if (organization_id === undefined) throw new Error(`${operation} does not say whose its target is`);
  return {
    id: ctx.id(),
    organization_id,
    project_id: effect.project_id ?? request.project_id ?? null,
    actor,
    operation,
    target: effect.target,
    request_id,
    created_at: ctx.now(),
  };
}
