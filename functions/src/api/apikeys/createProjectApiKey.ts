import * as z from "zod";
import { storeApiKey } from "../../domain/apikey/createApiKey.ts";
import type { Ctx } from "../../domain/context.ts";
import { defineRoute } from "../../http/route.ts";
import { apiKeyFields, NewApiKeyShape, toNewApiKey } from "./schemas.ts";

const CreateProjectApiKeyBody = z.strictObject(apiKeyFields).meta({ id: "CreateProjectApiKey" });

export const createProjectApiKey = defineRoute({
  method: "POST",
  path: "/v1/project/{project_id}/api-keys",
  operationId: "createProjectApiKey",
  fn: "apikeys",
  summary: "Create an API key of a project",
  description:
    "Makes a key that opens this project alone. `key` is shown in this answer only: keep it, we store its hash " +
    "alone. Give it the `permissions` that its service needs and no others: one that lacks the permission of an " +
    "operation is 403 there.",
  auth: ["firebase"],
  scope: "project",
  idempotent: true,
  audits: "api_key",
  body: CreateProjectApiKeyBody,
  status: 201,
  response: NewApiKeyShape,
  errors: [],
  answers: toNewApiKey,
  async handle(ctx: Ctx<"apiKeys" | "commit">, { project, actor, body }) {
    return storeApiKey(ctx, {
      organization_id: project.organization_id,
      user_id: actor.id,
      name: body.name,
      project_ids: [project.id],
      permissions: body.permissions ?? null,
      expires_at: body.expires_at ?? null,
    });
  },
});
