import { findApiKey } from "../../domain/apikey/findApiKey.ts";
import { revokeApiKey } from "../../domain/apikey/revokeApiKey.ts";
import type { Ctx } from "../../domain/context.ts";
import { defineRoute } from "../../http/route.ts";

export const revokeOrganizationApiKey = defineRoute({
  method: "DELETE",
  path: "/v1/organization/{org_id}/api-keys/{key_id}",
  operationId: "revokeOrganizationApiKey",
  fn: "apikeys",
  summary: "Revoke an API key",
  description:
    "The very next request with the key is refused. The key stays listed; revoking it again changes nothing.",
  auth: ["firebase"],
  scope: "organization",
  audits: "api_key",
  finds: (ctx: Ctx<"apiKeys" | "commit">, { org_id, key_id }) =>
    findApiKey(ctx, { organization_id: org_id, key_id }),
  status: 204,
  response: null,
  errors: [],
  async handle(ctx: Ctx<"apiKeys" | "commit">, { found }) {
    await revokeApiKey(ctx, { key: found });
  },
});
