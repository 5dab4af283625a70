import * as z from "zod";
import { findApiKey } from "../../domain/apikey/findApiKey.ts";
import * as keys from "../../domain/apikey/rotateApiKey.ts";
import type { Ctx } from "../../domain/context.ts";
import { defineRoute } from "../../http/route.ts";
import { graceSeconds } from "../fields.ts";
import { NewApiKeyShape, toNewApiKey } from "./schemas.ts";

const RotateApiKeyBody = z.strictObject({ grace_seconds: graceSeconds }).meta({ id: "RotateApiKey" });

export const rotateApiKey = defineRoute({
  method: "POST",
  path: "/v1/organization/{org_id}/api-keys/{key_id}/rotate",
  operationId: "rotateApiKey",
  fn: "apikeys",
  summary: "Rotate an API key",
  description:
    "Makes a new key with the name, projects, permissions and expiry of the old one. The old key works for another " +
    "`grace_seconds` (a day unless given), or until it is revoked. A key that was revoked or rotated before, or has expired, is refused.",
  auth: ["firebase"],
  scope: "organization",
  idempotent: true,
  audits: "api_key",
  finds: (ctx: Ctx<"apiKeys" | "commit">, { org_id, key_id }) =>
    findApiKey(ctx, { organization_id: org_id, key_id }),
  body: RotateApiKeyBody,
  status: 201,
  response: NewApiKeyShape,
  errors: ["conflict"],
  answers: toNewApiKey,
  async handle(ctx: Ctx<"apiKeys" | "commit">, { actor, found, body }) {
    return keys.rotateApiKey(ctx, { key: found, user_id: actor.id, ...body });
  },
});
