import * as z from "zod";
import * as keys from "../../domain/apikey/listProjectApiKeys.ts";
import type { Ctx } from "../../domain/context.ts";
import { defineRoute } from "../../http/route.ts";
import { ApiKeyShape, toApiKey } from "./schemas.ts";

export const listProjectApiKeys = defineRoute({
  method: "GET",
  path: "/v1/project/{project_id}/api-keys",
  operationId: "listProjectApiKeys",
  fn: "apikeys",
  summary: "List a project's API keys",
  description:
    "The keys that open the project now: those of its whole organization and those scoped to it, newest first. " +
    "Revoked and expired ones are left out.",
  auth: ["firebase"],
  scope: "project",
  response: z.array(ApiKeyShape),
  errors: [],
  async handle(ctx: Ctx<"apiKeys">, { project }) {
    return (await keys.listProjectApiKeys(ctx, { project })).map(toApiKey);
  },
});
