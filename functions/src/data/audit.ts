import type { Firestore } from "@google-cloud/firestore";
import * as z from "zod";
import { ACTORS, AUDIT_RETENTION_MS, type Audit, type AuditEntry } from "../domain/audit/audit.ts";
import { TARGETS } from "../domain/store.ts";
import { Documents, date, within } from "./firestore.ts";

const documents = new Documents<AuditEntry & { expires_at: Date }>(
  z.object({
    id: z.string(),
    organization_id: z.string(),
    project_id: z.string().nullable(),
    actor: z.object({ type: z.enum(ACTORS), id: z.string() }),
    operation: z.string(),
    target: z.object({ type: z.enum(TARGETS), id: z.string() }),
    request_id: z.string(),
    // Absent from entries of before the field existed.
    client_request_id: z.string().nullable().default(null),
    created_at: date,
    expires_at: date,
  }),
);

/** `organizations/{organization}/audit/{entry}` */
export function createAudit(db: Firestore): Audit {
  const of = (organization_id: string) =>
    db.collection("organizations").doc(organization_id).collection("audit");
  return {
    create: (entry) =>
      documents.create(of(entry.organization_id).doc(entry.id), {
        ...entry,
        expires_at: new Date(entry.created_at.getTime() + AUDIT_RETENTION_MS),
      }),
    ofOrganization: (organization_id, range) =>
      documents.list(within(of(organization_id), range), ({ expires_at: _, ...entry }) => entry),
  };
}
