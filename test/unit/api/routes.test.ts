import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import * as z from "zod";
import { allRoutes, groups } from "../../../functions/src/api/routes.ts";
import { PERMISSIONS, type Permission } from "../../../functions/src/domain/apikey/permission.ts";
import { errorsOf } from "../../../functions/src/http/route.ts";
import { REGION } from "../../../functions/src/options.ts";

/** The routes that anybody may call; a new one is a decision. */
const PUBLIC = ["liveness", "health", "openapi", "startRegistration"];

/** The budgets that requests count against besides their credential's. */
const RATES: Record<string, string> = {
  health: "free",
  liveness: "free",
  openapi: "address",
  scan: "organization",
  submitSample: "organization",
  startRegistration: "registration",
};

/** Api.md's table, as far as it is built: operation, method, path, credentials. */
const CONTRACT = [
  ["listOrganizationApiKeys", "GET", "/v1/organization/{org_id}/api-keys", "F"],
  ["createOrganizationApiKey", "POST", "/v1/organization/{org_id}/api-keys", "F"],
  ["revokeOrganizationApiKey", "DELETE", "/v1/organization/{org_id}/api-keys/{key_id}", "F"],
  ["rotateApiKey", "POST", "/v1/organization/{org_id}/api-keys/{key_id}/rotate", "F"],
  ["identify", "POST", "/v1/project/{project_id}/identify", "K"],
  ["enrollPalm", "POST", "/v1/project/{project_id}/enroll", "K"],
  ["listProjectApiKeys", "GET", "/v1/project/{project_id}/api-keys", "F"],
  ["createProjectApiKey", "POST", "/v1/project/{project_id}/api-keys", "F"],
  ["verifyPalm", "POST", "/v1/project/{project_id}/members/{member_id}/verify", "K"],
  ["submitSample", "POST", "/v1/terminal/enrollment/{session_id}/samples", "D"],
  ["scan", "POST", "/v1/terminal/scans", "D"],
  ["listMembers", "GET", "/v1/project/{project_id}/members", "F K"],
  ["updateMember", "PATCH", "/v1/project/{project_id}/members/{member_id}", "F K"],
  ["updateMemberPut", "PUT", "/v1/project/{project_id}/members/{member_id}", "F K"],
  ["deleteMember", "DELETE", "/v1/project/{project_id}/members/{member_id}", "F K"],
  ["listPalms", "GET", "/v1/project/{project_id}/members/{member_id}/palms", "F K"],
  ["deletePalm", "DELETE", "/v1/project/{project_id}/members/{member_id}/palms/{palm_id}", "F K"],
  ["listDevices", "GET", "/v1/project/{project_id}/devices", "F K"],
  ["registerDevice", "POST", "/v1/project/{project_id}/devices/register", "F K"],
  ["getDevice", "GET", "/v1/device/{device_id}", "F K"],
  ["updateDevice", "PATCH", "/v1/device/{device_id}", "F K"],
  ["startEnrollment", "POST", "/v1/device/{device_id}/enrollment", "F K"],
  ["getEnrollment", "GET", "/v1/device/{device_id}/enrollment", "F K"],
  ["pollEnrollment", "POST", "/v1/device/{device_id}/enrollment/poll", "F K"],
  ["cancelEnrollment", "DELETE", "/v1/device/{device_id}/enrollment", "F K"],
  ["nextCommand", "POST", "/v1/terminal/poll", "D"],
  ["deleteDevice", "DELETE", "/v1/device/{device_id}", "F K"],
  ["rotateDeviceKey", "POST", "/v1/device/{device_id}/rotate-key", "F K"],
  ["startRegistration", "POST", "/v1/terminal/registrations", "–"],
  ["claimRegistration", "POST", "/v1/terminal/registrations/claim", "C"],
  ["listScans", "GET", "/v1/project/{project_id}/scans", "F K"],
  ["scanSummary", "GET", "/v1/project/{project_id}/scans/summary", "F K"],
  ["listTransactions", "GET", "/v1/project/{project_id}/transactions", "F K"],
  ["exportTransactions", "GET", "/v1/project/{project_id}/transactions/csv", "F K"],
  ["listOrganizations", "GET", "/v1/organizations", "F"],
  ["listAudit", "GET", "/v1/organization/{org_id}/audit", "F"],
  ["getEnvironment", "GET", "/v1/project/{project_id}/environment", "F K"],
  ["updateServerLookup", "PATCH", "/v1/project/{project_id}/server-lookup", "F"],
  ["createMember", "POST", "/v1/project/{project_id}/members", "F K"],
  ["getMember", "GET", "/v1/project/{project_id}/members/{member_id}", "F K"],
  ["listProjects", "GET", "/v1/projects", "F K"],
  ["getProject", "GET", "/v1/projects/{project_id}", "F K"],
  ["listWebhooks", "GET", "/v1/project/{project_id}/webhooks", "F K"],
  ["createWebhook", "POST", "/v1/project/{project_id}/webhooks", "F K"],
  ["getWebhook", "GET", "/v1/project/{project_id}/webhooks/{webhook_id}", "F K"],
  ["deleteWebhook", "DELETE", "/v1/project/{project_id}/webhooks/{webhook_id}", "F K"],
  ["updateWebhook", "PATCH", "/v1/project/{project_id}/webhooks/{webhook_id}", "F K"],
  ["testWebhook", "POST", "/v1/project/{project_id}/webhooks/{webhook_id}/test", "F K"],
  ["rotateWebhookSecret", "POST", "/v1/project/{project_id}/webhooks/{webhook_id}/rotate-secret", "F K"],
  ["recoverDeliveries", "POST", "/v1/project/{project_id}/webhooks/{webhook_id}/recover", "F K"],
  ["listDeliveries", "GET", "/v1/project/{project_id}/webhooks/{webhook_id}/deliveries", "F K"],
  [
    "listAttempts",
    "GET",
    "/v1/project/{project_id}/webhooks/{webhook_id}/deliveries/{delivery_id}/attempts",
    "F K",
  ],
  [
    "retryDelivery",
    "POST",
    "/v1/project/{project_id}/webhooks/{webhook_id}/deliveries/{delivery_id}/retry",
    "F K",
  ],
  ["listEvents", "GET", "/v1/project/{project_id}/events", "F K"],
  ["liveness", "GET", "/v1/health/live", "–"],
  ["openapi", "GET", "/v1/openapi.json", "–"],
  ["health", "GET", "/v1/health", "–"],
];

/** The POSTs that the contract lets be sent again with an Idempotency-Key, as far as they are built. */
const IDEMPOTENT = [
  "createMember",
  "createOrganizationApiKey",
  "createProjectApiKey",
  "createWebhook",
  "enrollPalm",
  "recoverDeliveries",
  "registerDevice",
  "retryDelivery",
  "rotateApiKey",
  "rotateDeviceKey",
  "rotateWebhookSecret",
  "startEnrollment",
  "scan",
  "submitSample",
  "testWebhook",
];

/** Which permission of an API key each operation needs, by api.md. */
const PERMITTED: Record<Permission, string[]> = {
  "projects:read": ["getProject", "listProjects", "getEnvironment"],
  "members:read": ["listMembers", "getMember"],
  "members:write": ["createMember", "updateMember", "updateMemberPut", "deleteMember"],
  "palms:read": ["listPalms"],
  "palms:identify": ["identify"],
  "palms:verify": ["verifyPalm"],
  "palms:enroll": ["enrollPalm"],
  "palms:delete": ["deletePalm"],
  "devices:read": ["listDevices", "getDevice"],
  "devices:write": ["registerDevice", "updateDevice", "deleteDevice", "rotateDeviceKey"],
  "enrollments:write": ["startEnrollment", "getEnrollment", "pollEnrollment", "cancelEnrollment"],
  "scans:read": ["listScans", "scanSummary"],
  "transactions:read": ["listTransactions", "exportTransactions"],
  "webhooks:read": ["listWebhooks", "getWebhook", "listDeliveries", "listAttempts"],
  "webhooks:write": [
    "createWebhook",
    "updateWebhook",
    "deleteWebhook",
    "testWebhook",
    "rotateWebhookSecret",
    "retryDelivery",
    "recoverDeliveries",
  ],
  "events:read": ["listEvents"],
};

/** Fields of answers that say something of a person. */
const PERSONAL = ["external_id", "email", "phone_number", "metadata"];

/** Api.md's shapes, as far as they are built: the exact keys, in their order. */
const SHAPES: Record<string, string> = {
  ApiKey:
    "id prefix organization_id name created_by_user_id project_ids permissions created_at expires_at last_used_at " +
    "revoked_at",
  Attempt: "attempt started_at duration_ms status_code response_body response_truncated error url",
  AuditEntry: "id organization_id project_id actor operation target request_id client_request_id created_at",
  Command: "session device template_format",
  ClaimedRegistration: "status device_id project_id device_key",
  Delivery:
    "id webhook_id event_id event_type status attempt_count attempts next_attempt_at last_status_code error created_at " +
    "completed_at",
  Device: "id project_id name enabled mode model app_version last_seen_at created_at",
  EnrollmentSession:
    "session_id device_id project_id member_id hand status samples_required samples_accepted last_rejection version " +
    "created_at updated_at expires_at completed_at",
  DeviceKey: "device_key",
  Environment: "id type template_format target_fpir calibrated palms server_lookup_allowed",
  Identification: "scan_id outcome member_id score threshold hand searched took_ms",
  Member: "id project_id name external_id email phone_number metadata palms created_at updated_at",
  Organization: "id name plan",
  Palm: "id member_id hand template_format samples quality created_at",
  PendingRegistration: "status",
  Project:
    "id organization_id environment_id name phone_number website sandbox server_lookup_enabled created_at",
  Registration: "registration_code claim_token expires_at",
  ScannedPalm: "scan_id outcome member_id score threshold hand searched took_ms transaction",
  Scan: "id project_id device_id api_key_id source operation outcome member_id score created_at",
  ScanSummary: "bucket from to buckets",
  Transaction: "id project_id device_id member_id scan_id status amount_minor currency reference created_at",
  Verification: "scan_id outcome score threshold hand took_ms",
  Webhook: "id project_id url event_types enabled description disabled_reason created_at updated_at",
};

/** Every object that a schema describes, by its name where it has one. */
function objectsOf(schema: unknown, name = ""): [name: string, JsonObject][] {
  if (typeof schema !== "object" || schema === null) return [];
  const { id, properties } = schema as JsonObject;
  const own: [string, JsonObject][] = properties ? [[id ?? name, schema as JsonObject]] : [];
  return [...own, ...Object.entries(schema).flatMap(([key, inner]) => objectsOf(inner, key))];
}

interface JsonObject {
  id?: string;
  properties?: Record<string, unknown>;
  required?: string[];
  additionalProperties?: unknown;
}

const LETTER = { firebase: "F", apiKey: "K", deviceKey: "D", claimToken: "C" };

interface Rewrite {
  source: string;
  function: { functionId: string; region: string };
}

const { hosting } = JSON.parse(readFileSync(new URL("../../../firebase.json", import.meta.url), "utf8")) as {
  hosting: { rewrites: Rewrite[] };
};

/** Hosting's globs, as far as we use them: `*` is one segment, `**` any number. */
const matches = (glob: string, path: string): boolean =>
  new RegExp(`^${glob.replaceAll(/\*\*|\*/g, (star) => (star === "**" ? ".*" : "[^/]+"))}$`).test(path);

const sample = (path: string): string => path.replaceAll(/\{\w+\}/g, "0b5c7f1e-0000-4000-8000-000000000000");

describe("The route table", () => {
  it("is the contract's, as far as it is built", () => {
    const built = allRoutes.map(({ operationId, method, path, auth }) => [
      operationId,
      method,
      path,
      auth === "public" ? "–" : auth.map((kind) => LETTER[kind]).join(" "),
    ]);
    assert.deepEqual(built.sort(), CONTRACT.sort());
  });

  it("needs a permission of an API key exactly where API keys are accepted, and the one of the contract", () => {
    const needed = allRoutes.map(({ operationId, permission }) => [operationId, permission]);
    const expected = allRoutes.map(({ operationId, auth }) => [
      operationId,
      auth !== "public" && auth.includes("apiKey")
        ? PERMISSIONS.find((permission) => PERMITTED[permission].includes(operationId))
        : undefined,
    ]);
    assert.deepEqual(needed, expected);
    for (const [operationId, permission] of expected) {
      const takesKeys = allRoutes.some(
        ({ operationId: id, auth }) => id === operationId && auth.includes("apiKey"),
      );
      assert.equal(permission !== undefined, takesKeys, operationId);
    }
    const named = Object.values(PERMITTED).flat();
    assert.deepEqual(
      named.filter((name) => !allRoutes.some(({ operationId }) => operationId === name)),
      [],
    );
    assert.deepEqual(Object.keys(PERMITTED), [...PERMISSIONS]);
  });

  it("answers each of the contract's shapes somewhere", () => {
    const named = allRoutes.flatMap(({ response }) => (response ? objectsOf(z.toJSONSchema(response)) : []));
    const names = new Set(named.map(([name]) => name));
    assert.deepEqual(
      Object.keys(SHAPES).filter((name) => !names.has(name)),
      [],
    );
  });

  it("has no operation and no method of a path twice", () => {
    const names = allRoutes.map(({ operationId }) => operationId);
    const places = allRoutes.map(({ method, path }) => `${method} ${path}`);
    assert.equal(new Set(names).size, names.length);
    assert.equal(new Set(places).size, places.length);
  });

  for (const [group, routes] of Object.entries(groups)) {
    for (const route of routes) {
      describe(route.operationId, () => {
        it("blanks the person's data in a replay, where its answer has such data", () => {
          const { idempotent, response, redacts } = route;
          const fields = response ? objectsOf(z.toJSONSchema(response)) : [];
          const isPersonal = fields.some(([, { properties = {} }]) =>
            PERSONAL.some((name) => Object.hasOwn(properties, name)),
          );
          assert.equal(redacts !== undefined, idempotent === true && isPersonal);
        });

        it("asks for a credential, unless it is one of the few public ones", () => {
          const open = route.auth === "public" || route.auth.length === 0;
          assert.equal(open, PUBLIC.includes(route.operationId));
          assert.equal(route.scope === "public", open, "scope");
        });

        it("is documented", () => {
          assert.ok(route.summary.length > 5 && !route.summary.endsWith("."));
          assert.ok(route.description.length > route.summary.length && route.description.endsWith("."));
        });

        it("stands in the file of its name in its group's folder", () => {
          assert.ok(
            existsSync(
              new URL(`../../../functions/src/api/${group}/${route.operationId}.ts`, import.meta.url),
            ),
          );
        });

        it("has parameters and bodies that OpenAPI can describe", () => {
          for (const schema of [route.query, route.body, route.response]) {
            if (schema) z.toJSONSchema(schema, { io: schema === route.response ? "output" : "input" });
          }
          assert.equal(route.response === null, route.status === 204);
          assert.equal(new Set(errorsOf(route)).size, errorsOf(route).length);
        });

        it("answers every field always, and no other", () => {
          // The document's shape is OpenAPI's.
          if (!route.response || route.operationId === "openapi") return;
          for (const [name, object] of objectsOf(z.toJSONSchema(route.response))) {
            const keys = Object.keys(object.properties ?? {});
            assert.deepEqual([object.required, object.additionalProperties], [keys, false], name);
            const shape = SHAPES[name];
            if (shape !== undefined) assert.equal(keys.join(" "), shape, name);
          }
        });

        it("declares what guards it", () => {
          assert.equal(route.rate, RATES[route.operationId]);
          assert.equal(route.maxAge, route.operationId === "openapi" ? 300 : undefined);
          assert.equal(route.idempotent !== undefined, route.method === "POST", "idempotent");
          assert.equal(route.idempotent === true, IDEMPOTENT.includes(route.operationId));
          assert.equal(route.audits !== undefined, route.method !== "GET", "audits");
        });

        it("is reached at the function's own URL exactly where terminals use their device key", () => {
          const isTerminals = route.auth !== "public" && route.auth.includes("deviceKey");
          assert.equal(route.reachedBy, isTerminals ? "direct" : "hosting");
        });

        it("is rewritten by Hosting to its function, the first rewrite that matches", () => {
          const first = hosting.rewrites.find(({ source }) => matches(source, sample(route.path)));
          assert.equal(first?.function.functionId, route.fn);
        });

        it("takes a body when it changes things, and only then", () => {
          assert.equal(route.body !== null, ["POST", "PUT", "PATCH"].includes(route.method));
        });
      });
    }
  }
});

describe("Hosting's rewrites", () => {
  it("name the region of the functions", () => {
    for (const rewrite of hosting.rewrites) assert.equal(rewrite.function.region, REGION, rewrite.source);
  });

  it("are each the first for some route, and end with health for whatever is left", () => {
    assert.deepEqual(hosting.rewrites.at(-1), {
      source: "/v1/**",
      function: { functionId: "health", region: REGION },
    });
    for (const rewrite of hosting.rewrites) {
      const serves = allRoutes.some(
        ({ path }) => hosting.rewrites.find(({ source }) => matches(source, sample(path))) === rewrite,
      );
      assert.ok(serves, `${rewrite.source} rewrites nothing`);
    }
  });
});
