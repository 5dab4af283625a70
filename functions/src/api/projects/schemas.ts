import * as z from "zod";
import { ACTORS, type AuditEntry } from "../../domain/audit/audit.ts";
import { TEMPLATE_FORMATS } from "../../domain/environment/environment.ts";
import type { Organization } from "../../domain/organization/organization.ts";
import type { Project } from "../../domain/project/project.ts";
import { TARGETS } from "../../domain/store.ts";
import { time, toTime, uuid } from "../fields.ts";

export const ProjectShape = z
  .strictObject({
    id: uuid,
    organization_id: uuid,
    environment_id: uuid.nullable(),
    name: z.string(),
    phone_number: z.string().nullable(),
    website: z.string().nullable(),
    sandbox: z.boolean().meta({ description: "Devices may be registered by the customer. No plan's name." }),
    server_lookup_enabled: z
      .boolean()
      .meta({ description: "Identify and verify may be called with an API key." }),
    created_at: time,
  })
  .meta({ id: "Project" });

export const toProject = (project: Project): z.infer<typeof ProjectShape> => ({
  ...project,
  created_at: toTime(project.created_at),
});

export const OrganizationShape = z
  .strictObject({
    id: uuid,
    name: z.string(),
    plan: z.enum(["sandbox", "business", "enterprise"]),
  })
  .meta({ id: "Organization" });

export const toOrganization = ({ id, name, plan }: Organization): z.infer<typeof OrganizationShape> => ({
  id,
  name,
  plan,
});

export const EnvironmentShape = z
  .strictObject({
    id: uuid,
    type: z.enum(["organization", "global"]),
    template_format: z.enum(TEMPLATE_FORMATS),
    target_fpir: z
      .number()
      .meta({ description: "The share of strangers that may be identified as somebody." }),
    calibrated: z
      .boolean()
      .meta({ description: "Whether the thresholds were set by people, not by assumption." }),
    palms: z.int().min(0).meta({ description: "The project's own; 0 in a global environment." }),
    server_lookup_allowed: z.boolean(),
  })
  .meta({ id: "Environment" });

export const AuditEntryShape = z
  .strictObject({
    id: uuid,
    organization_id: uuid,
    project_id: uuid.nullable(),
    actor: z.strictObject({ type: z.enum(ACTORS), id: z.string() }),
    operation: z.string().meta({ description: "The API's operationId, or the operator's command." }),
    target: z.strictObject({ type: z.enum(TARGETS), id: z.string() }),
    request_id: z.string().meta({ description: "`X-Request-Id` of the answer." }),
    created_at: time,
  })
  .meta({ id: "AuditEntry" });

export const toAuditEntry = (entry: AuditEntry): z.infer<typeof AuditEntryShape> => ({
  ...entry,
  created_at: toTime(entry.created_at),
});
