import * as z from "zod";
import { listApiKeys } from "../../domain/apikey/listApiKeys.ts";
import type { Ctx } from "../../domain/context.ts";
import { defineRoute } from "../../http/route.ts";
import { ApiKeyShape, toApiKey } from "./schemas.ts";

export const listOrganizationApiKeys = defineRoute({
  method: "GET",
  path: "/v1/organization/{org_id}/api-keys",
  operationId: "listOrganizationApiKeys",
  fn: "apikeys",
  summary: "List an organization's API keys",
  description:
    "All keys of the organization, newest first, revoked and expired ones included. The secret part is never shown.",
  auth: ["firebase"],
  scope: "organization",
  response: z.array(ApiKeyShape),
  errors: [],
  async handle(ctx: Ctx<"apiKeys">, { organization }) {
    const keys = await listApiKeys(ctx, { organization_id: organization.id });
    return keys.map(toApiKey);
  },
});
