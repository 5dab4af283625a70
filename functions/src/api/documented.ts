import { BASE, type Documented } from "../http/openapi.ts";
import { groups } from "./routes.ts";
import { DemoScanSuccess, EnrollmentCompleted, TestEvent } from "./webhooks/schemas.ts";

const DESCRIPTION = `
Let people in, and take payments, by the palm of a hand: enrol members' palms, tell whose palm a terminal or an app is
looking at, run terminals, and be told by webhooks.

**Credentials** are sent as \`Authorization: Bearer …\`: the Firebase ID token of a console user, an API key (\`pg_…\`) of an
organization's servers, the key of a terminal (\`pd_…\`), or the claim token (\`pt_…\`) of one that is being registered. Each
operation names those that it takes. What belongs to somebody else answers like what does not exist.

**Bodies** are JSON in UTF-8, names \`snake_case\`, ids UUIDs in lower case, times RFC 3339 in UTC with milliseconds. Fields
are always there, \`null\` when empty. A POST without a body counts as \`{}\`; what is not documented is refused. A body
may be compressed (\`Content-Encoding: gzip\`), and counts by its inflated size; each operation says how large it may be.
In a POST \`null\` for an optional field means that it is absent; in a PATCH it clears the field. Times that you send may
have any offset and either case; second 60 of a leap second is read as the last millisecond of its minute. Text has no
control characters and no bidirectional controls (U+061C, U+200E, U+200F, U+202A to U+202E, U+2066 to U+2069).

**Errors** are problem details (RFC 9457) with a \`code\` that does not change, and the \`request_id\` that helps us to help
you. The order of refusals: path, method, credential, rate, kind of credential, whose it is, state, size, media type, input,
idempotency, what the body names.

**Lists** come newest first in pages of \`{items, page, per_page, total_count, next_cursor}\`; \`next_cursor\` goes on however
deep, \`page\` counts to 100,000 rows. An array that is streamed is incomplete without its \`]\`, CSV without its last CRLF:
Hosting ends an answer after 60 s, an export that takes longer asks the function's own URL.

**Limits** are of any 60 seconds. An answer to a valid credential says by \`RateLimit\` what is left; 429 says by
\`Retry-After\` when to come back. An address is limited by the requests it sends without a valid credential; the client's
address is read behind Hosting's proxies, for \`nextCommand\`, \`submitSample\` and \`scan\` behind those of the functions' own
URLs, which terminals call.

**Idempotency**: a POST that takes an \`Idempotency-Key\` has its effect once, however often it is sent, and is answered as it
was first for 24 hours (\`Idempotency-Replayed: true\`).

**HEAD** answers as GET without the body. Every answer carries \`X-Content-Type-Options: nosniff\`,
\`Strict-Transport-Security\` and \`Content-Security-Policy: frame-ancestors 'none'\`.
`.trim();

/** What the OpenAPI document says beyond the routes; the examples are recorded. */
export const documented: Omit<Documented, "examples"> = {
  info: {
    title: "Palmgate",
    version: "1.0.0",
    summary: "An open palm-identity platform",
    description: DESCRIPTION,
    contact: { name: "The Palmgate maintainers" },
    license: { name: "Apache-2.0", identifier: "Apache-2.0" },
  },
  servers: [
    { url: BASE, description: "Where this document comes from" },
    { url: `http://127.0.0.1:5005${BASE}`, description: "The emulator suite of npm start" },
    {
      url: `https://{project}.web.app${BASE}`,
      description: "A Firebase project of yours",
      variables: { project: { default: "your-project", description: "The project's id" } },
    },
  ],
  groups,
  tags: {
    biometrics: {
      title: "Palms",
      description: "Whose palm is it? Enrol, identify, verify; samples and scans of terminals.",
    },
    members: { title: "Members", description: "The people whose palms are enrolled, and those palms." },
    devices: { title: "Devices", description: "The terminals of a project." },
    enrollments: {
      title: "Enrollments",
      description: "The enrolment of a palm at a terminal, as a session.",
    },
    terminal: {
      title: "Terminals",
      description: "What a terminal itself asks: registration, and what it is to do.",
    },
    analytics: {
      title: "Scans and transactions",
      description: "What terminals, apps and keys have looked at, and what was paid.",
    },
    webhooks: {
      title: "Webhooks",
      description: "Subscriptions to events, what was sent to them, and the events themselves.",
    },
    apikeys: { title: "API keys", description: "The credentials of an organization's servers." },
    projects: {
      title: "Projects",
      description: "Organizations, their projects and environments, and who changed what.",
    },
    health: { title: "Health", description: "How the service is doing, and this document." },
  },
  pathParams: {
    org_id: "The organization.",
    project_id: "The project.",
    key_id: "The API key.",
    member_id: "The member.",
    palm_id: "The palm.",
    device_id: "The terminal.",
    session_id: "The enrolment session.",
    webhook_id: "The subscription.",
    delivery_id: "The delivery.",
  },
  webhooks: {
    "enrollment.completed": {
      schema: EnrollmentCompleted,
      summary: "A palm was enrolled",
      description:
        "By enrollPalm, then without session and device, or at a terminal. In a global environment without member.",
    },
    "demo.scan.success": {
      schema: DemoScanSuccess,
      summary: "A terminal in mode demo has identified somebody",
      description: "Sent for terminals in mode `demo` alone.",
    },
    "webhook.test": {
      schema: TestEvent,
      summary: "testWebhook was called",
      description: "Sent to the one subscription that is tested, whatever it is subscribed to.",
    },
  },
};
