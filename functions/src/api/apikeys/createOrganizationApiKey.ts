import { createApiKey } from "../../domain/apikey/createApiKey.ts";
import type { Ctx } from "../../domain/context.ts";
import { defineRoute } from "../../http/route.ts";
import { CreateApiKeyBody, NewApiKeyShape, toNewApiKey } from "./schemas.ts";

export const createOrganizationApiKey = defineRoute({
  method: "POST",
  path: "/v1/organization/{org_id}/api-keys",
  operationId: "createOrganizationApiKey",
  fn: "apikeys",
  summary: "Create an API key",
  description:
    "Makes a key for the whole organization (`project_ids: null`, projects made later included) or for some of " +
    "its projects. `key` is shown in this answer only: keep it, we store its hash alone. Give it the `permissions` that its " +
    "service needs and no others: one that lacks the permission of an operation is 403 there.",
  auth: ["firebase"],
  scope: "organization",
  idempotent: true,
  audits: "api_key",
  body: CreateApiKeyBody,
  status: 201,
  response: NewApiKeyShape,
  errors: [],
  answers: toNewApiKey,
  async handle(ctx: Ctx<"apiKeys" | "projects" | "commit">, { organization, actor, body }) {
    return createApiKey(ctx, {
      organization_id: organization.id,
      user_id: actor.id,
      name: body.name,
      project_ids: body.project_ids,
      permissions: body.permissions ?? null,
      expires_at: body.expires_at ?? null,
    });
  },
});
