import { deflateSync } from "node:zlib";
import type { ExampleRequest, Json } from "../../functions/src/http/openapi.ts";
import { extractTemplate, type Hand } from "../../functions/src/palm/index.ts";
import { encodeJpeg } from "../../test/support/encodeJpeg.ts";
import { renderHand } from "../../test/support/hands.ts";
import { pngChunk, syntheticPalm } from "../../test/support/palms.ts";
import { ACME_HQ, newcomer, organizations } from "../world.ts";

/*
 * One walk through every operation, in the demo world: what the examples of openapi.json are recorded from, and the
 * order in which a test sends them again. Ids and other values of earlier answers are named: `{member.id}`.
 */

/** As whom a call is made: Acme's console user, the key `acme_hq`, or a credential that an answer has told. */
type Credential = "user" | "key" | `{${string}}`;

/** A call as the document shows it. */
export interface Call extends ExampleRequest {
  operationId: string;
  summary: string;
  /** Nobody's without it. */
  by?: Credential;
  /** What later calls name its answer. */
  as?: string;
  /** Asked again until it is so. What it waits for began with the call before, and is shown at that one's moment. */
  until?(answer: Answered): boolean;
  /** How many of a list's items are shown, of the first ones. */
  first?: number;
}

// biome-ignore lint/suspicious/noExplicitAny: each operation has a shape of its own
type Answered = any;

/** The template of a synthetic palm, base64. */
function templateOf({ seed, hand }: { seed: number; hand: Hand }, sample: number): string {
  const { template } = extractTemplate(syntheticPalm({ seed, sample }), { hand });
  return Buffer.from(template).toString("base64");
}

/** A small picture of a synthetic palm in sixteen greys, base64 of a PNG: a few lines of text. */
function pictureOf({ seed }: { seed: number }, sample: number): string {
  const { width, gray } = syntheticPalm({ seed, sample });
  const side = 96;
  const at = (place: number) => Math.floor((place * width) / side);
  const rows = Array.from({ length: side }, (_, y) => [
    0, // no filter
    ...Array.from({ length: side }, (_, x) => (gray[at(y) * width + at(x)] as number) & 0xf0),
  ]);
  const header = Buffer.alloc(13);
  header.writeUint32BE(side, 0);
  header.writeUint32BE(side, 4);
  header[8] = 8;
  const png = [
    Uint8Array.of(0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a),
    pngChunk("IHDR", header),
    pngChunk("IDAT", deflateSync(Uint8Array.from(rows.flat()), { level: 9 })),
    pngChunk("IEND", new Uint8Array()),
  ];
  return Buffer.concat(png).toString("base64");
}

/** A small photograph of a synthetic hand, base64 of a JPEG. */
async function photographOf(hand: { palmSeed: number; hand: "left" | "right" }): Promise<string> {
  const photograph = renderHand({ ...hand, width: 192, height: 256 });
  return Buffer.from(await encodeJpeg(photograph, { quality: 40 })).toString("base64");
}

const [{ id: org_id } = { id: "" }] = organizations;
const inAcme = { org_id };
const inHq = { project_id: ACME_HQ };
const noa = { ...inHq, member_id: "{noa.id}" };
const hook = { ...inHq, webhook_id: "{webhook.id}" };
const canteen = { device_id: "{canteen.id}" };

/** Noa's palm, Ravi's, and one of somebody who has been enrolled nowhere. */
const noas = newcomer;
const ravis = { seed: 4001, hand: "right" } as const;
const strangers = { seed: 3001, hand: "unknown" } as const;

const WEBHOOK_URL = "http://localhost:4000/";

export const TOUR: readonly Call[] = [
  { operationId: "liveness", summary: "It lives" },
  { operationId: "health", summary: "All is well", until: ({ status }) => status === "ok" },

  // What there is, and who may use it.
  { operationId: "listOrganizations", by: "user", summary: "The one that the user administers" },
  { operationId: "listProjects", by: "user", summary: "The projects of the user's organization" },
  { operationId: "getProject", by: "user", summary: "A project", path: inHq },
  { operationId: "getEnvironment", by: "user", summary: "A tenant-managed environment", path: inHq },
  {
    operationId: "createOrganizationApiKey",
    by: "user",
    as: "everywhere",
    summary: "For all projects, later ones too",
    path: inAcme,
    body: { name: "Back office", project_ids: null },
  },
  {
    operationId: "createOrganizationApiKey",
    by: "user",
    summary: "For some projects, only to identify",
    path: inAcme,
    body: { name: "Turnstiles", project_ids: [ACME_HQ], permissions: ["palms:identify"] },
  },
  { operationId: "listOrganizationApiKeys", by: "user", first: 2, summary: "The newest two", path: inAcme },
  {
    operationId: "createProjectApiKey",
    by: "user",
    as: "canteens",
    summary: "For one project, only to report scans and sales",
    path: inHq,
    body: { name: "Canteen", permissions: ["scans:read", "transactions:read"] },
  },
  {
    operationId: "rotateApiKey",
    by: "user",
    summary: "The old key works for another day",
    path: { ...inAcme, key_id: "{canteens.id}" },
    body: { grace_seconds: 86_400 },
  },
  {
    operationId: "listProjectApiKeys",
    by: "user",
    first: 2,
    summary: "The newest two: a rotated key, and the one before it",
    path: inHq,
  },
  {
    operationId: "revokeOrganizationApiKey",
    by: "user",
    summary: "A key that is no longer needed",
    path: { ...inAcme, key_id: "{everywhere.id}" },
  },

  // A member, and her palm.
  {
    operationId: "createMember",
    by: "key",
    as: "noa",
    summary: "All that may be said of one",
    path: inHq,
    body: {
      name: "Noa Levy",
      external_id: "employee-2001",
      email: "noa.levy@acme.example",
      phone_number: "+12025550147",
      metadata: { team: "Canteen", badge: "blue" },
    },
  },
  { operationId: "getMember", by: "key", summary: "A member", path: noa },
  {
    operationId: "updateMember",
    by: "key",
    summary: "Changes one field and clears another",
    path: noa,
    body: { name: "Noa Levy-Cohen", phone_number: null },
  },
  {
    operationId: "updateMemberPut",
    by: "key",
    summary: "As PATCH: `metadata` is replaced whole",
    path: noa,
    body: { metadata: { team: "Kitchen" } },
  },
  {
    operationId: "listMembers",
    by: "key",
    as: "members",
    first: 2,
    summary: "The first page; two of its items are shown",
    path: inHq,
    query: { per_page: 10 },
  },
  {
    operationId: "listMembers",
    by: "key",
    first: 1,
    summary: "The next page, by its cursor; one item is shown",
    path: inHq,
    query: { per_page: 10, cursor: "{members.next_cursor}" },
  },
  {
    operationId: "enrollPalm",
    by: "key",
    as: "palm",
    summary: "One palm, from two samples of it",
    path: inHq,
    body: {
      member_id: "{noa.id}",
      samples: [{ template: templateOf(noas, 0) }, { template: templateOf(noas, 1) }],
    },
  },
  { operationId: "listPalms", by: "key", summary: "One palm", path: noa },
  {
    operationId: "identify",
    by: "key",
    summary: "A picture of a palm that is enrolled",
    path: inHq,
    body: { image: pictureOf(noas, 2), hand: "right" },
  },
  {
    operationId: "identify",
    by: "key",
    summary: "A template of it, which the terminal's own software has made",
    path: inHq,
    body: { template: templateOf(noas, 3), pad_score: 0.98 },
  },
  {
    operationId: "identify",
    by: "key",
    summary: "A photograph of a hand, which nobody has enrolled",
    path: inHq,
    body: { photo: await photographOf({ palmSeed: 13, hand: "left" }) },
  },
  {
    operationId: "identify",
    by: "key",
    summary: "A stranger",
    path: inHq,
    body: { template: templateOf(strangers, 0) },
  },
  {
    operationId: "verifyPalm",
    by: "key",
    summary: "It is her palm",
    path: noa,
    body: { template: templateOf(noas, 4) },
  },
  {
    operationId: "verifyPalm",
    by: "key",
    summary: "It is not",
    path: noa,
    body: { template: templateOf(strangers, 1) },
  },

  // Being told of what happens.
  {
    operationId: "createWebhook",
    by: "key",
    as: "webhook",
    summary: "To an endpoint on your machine, which the emulator suite allows; elsewhere it is `https`",
    path: inHq,
    body: { url: WEBHOOK_URL, event_types: ["enrollment.completed", "demo.scan.success"] },
  },
  { operationId: "getWebhook", by: "key", summary: "A subscription", path: hook },
  {
    operationId: "updateWebhook",
    by: "key",
    summary: "Says what it is for",
    path: hook,
    body: { description: "Turnstiles, ground floor" },
  },
  { operationId: "listWebhooks", by: "key", summary: "One subscription", path: inHq },
  { operationId: "testWebhook", by: "key", summary: "A test event", path: hook, body: {} },
  {
    operationId: "listDeliveries",
    by: "key",
    as: "deliveries",
    until: ({ items }) => items.length > 0,
    summary: "Tests that have arrived",
    path: hook,
    query: { status: "success", event_type: "webhook.test" },
  },
  {
    operationId: "listAttempts",
    by: "key",
    summary: "One attempt, which arrived",
    path: { ...hook, delivery_id: "{deliveries.items.0.id}" },
  },
  {
    operationId: "retryDelivery",
    by: "key",
    summary: "One more attempt of a delivery that had arrived",
    path: { ...hook, delivery_id: "{deliveries.items.0.id}" },
    body: {},
  },
  {
    operationId: "rotateWebhookSecret",
    by: "key",
    summary: "Both secrets sign for another day",
    path: hook,
    body: { grace_seconds: 86_400 },
  },
  {
    operationId: "recoverDeliveries",
    by: "key",
    summary: "Nothing had failed",
    path: hook,
    body: { since: "{webhook.created_at}" },
  },

  // A terminal out of its box.
  {
    operationId: "startRegistration",
    as: "registration",
    summary: "A code to show, and a token to ask with",
    body: { model: "Palmgate P1", app_version: "1.4.0" },
  },
  {
    operationId: "claimRegistration",
    by: "{registration.claim_token}",
    summary: "Nobody has entered the code yet",
    body: {},
  },
  {
    operationId: "registerDevice",
    by: "key",
    as: "canteen",
    summary: "The code that the terminal shows",
    path: inHq,
    body: { registration_code: "{registration.registration_code}", name: "Canteen" },
  },
  {
    operationId: "claimRegistration",
    by: "{registration.claim_token}",
    as: "claimed",
    summary: "The terminal's key",
    body: {},
  },
  {
    operationId: "nextCommand",
    by: "{claimed.device_key}",
    summary: "Nothing to do",
    body: { app_version: "1.4.0" },
  },
  { operationId: "getDevice", by: "key", summary: "A terminal that has just been seen", path: canteen },
  {
    operationId: "updateDevice",
    by: "key",
    summary: "Tells of its scans by `demo.scan.success`",
    path: canteen,
    body: { mode: "demo" },
  },
  { operationId: "listDevices", by: "key", summary: "Two terminals", path: inHq },

  // The enrolment of a palm at it.
  {
    operationId: "createMember",
    by: "key",
    as: "ravi",
    summary: "A name alone",
    path: inHq,
    body: { name: "Ravi Iyer" },
  },
  {
    operationId: "startEnrollment",
    by: "key",
    as: "session",
    summary: "Two samples of the right hand",
    path: canteen,
    body: { member_id: "{ravi.id}", hand: "right", samples_required: 2 },
  },
  {
    operationId: "nextCommand",
    by: "{claimed.device_key}",
    summary: "A palm to enrol",
    body: { wait: 25, app_version: "1.4.0" },
  },
  { operationId: "getEnrollment", by: "key", summary: "The active session", path: canteen },
  {
    operationId: "submitSample",
    by: "{claimed.device_key}",
    summary: "The first of two",
    path: { session_id: "{session.session_id}" },
    body: { sample_id: "6f0b7c52-3d7e-4b8a-9a55-0c7d1e2f3a41", template: templateOf(ravis, 0) },
  },
  {
    operationId: "pollEnrollment",
    by: "key",
    summary: "It has gone on since version 1",
    path: canteen,
    body: { session_id: "{session.session_id}", version: 1, wait: 25 },
  },
  {
    operationId: "submitSample",
    by: "{claimed.device_key}",
    summary: "The last one, which completes it",
    path: { session_id: "{session.session_id}" },
    body: { sample_id: "b2d9e4a7-58c1-4f06-8e3b-71a9c0d5e6f2", template: templateOf(ravis, 1) },
  },
  {
    operationId: "startEnrollment",
    by: "key",
    as: "cancelled",
    summary: "Of a member's palm, of whichever hand",
    path: canteen,
    body: { member_id: "{noa.id}" },
  },
  {
    operationId: "cancelEnrollment",
    by: "key",
    summary: "The session of a terminal",
    path: canteen,
    query: { session_id: "{cancelled.session_id}" },
  },

  // Palms at its door.
  {
    operationId: "scan",
    by: "{claimed.device_key}",
    summary: "Somebody comes in",
    body: { template: templateOf(ravis, 3), pad_score: 0.97 },
  },
  {
    operationId: "scan",
    by: "{claimed.device_key}",
    summary: "Somebody pays",
    headers: { "Idempotency-Key": "order-1042" },
    body: {
      template: templateOf(ravis, 4),
      transaction: { amount_minor: 1250, currency: "EUR", reference: "Lunch 1042" },
    },
  },
  {
    operationId: "scan",
    by: "{claimed.device_key}",
    summary: "A stranger would like to pay",
    headers: { "Idempotency-Key": "order-1043" },
    body: {
      template: templateOf(strangers, 2),
      transaction: { amount_minor: 390, currency: "EUR" },
    },
  },

  // What is left of all that.
  {
    operationId: "listScans",
    by: "key",
    first: 2,
    summary: "Scans from a moment on; two of them are shown",
    path: inHq,
    query: { from: "{canteen.created_at}", per_page: 10 },
  },
  {
    operationId: "scanSummary",
    by: "key",
    summary: "Day by day",
    path: inHq,
    query: { bucket: "day", from: "{canteen.created_at}" },
  },
  {
    operationId: "listTransactions",
    by: "key",
    summary: "All of a range",
    path: inHq,
    query: { from: "{canteen.created_at}" },
  },
  {
    operationId: "listTransactions",
    by: "key",
    first: 1,
    summary: "A page of them; one is shown",
    path: inHq,
    query: { from: "{canteen.created_at}", per_page: 10 },
  },
  {
    operationId: "exportTransactions",
    by: "key",
    summary: "A header row, and two transactions",
    path: inHq,
    query: { from: "{canteen.created_at}" },
  },
  {
    operationId: "listEvents",
    by: "key",
    until: ({ items }) => items.length === 2,
    summary: "Scans of a terminal in mode `demo`",
    path: inHq,
    query: { event_type: "demo.scan.success" },
  },
  {
    operationId: "listAudit",
    by: "user",
    first: 2,
    summary: "What was changed in a range; the newest two",
    path: inAcme,
    query: { from: "{noa.created_at}", to: "{palm.created_at}" },
  },

  // The end of things.
  {
    operationId: "updateServerLookup",
    by: "user",
    summary: "Palms are looked up at terminals alone",
    path: inHq,
    body: { enabled: false },
  },
  {
    operationId: "updateServerLookup",
    by: "user",
    summary: "Servers may identify and verify",
    path: inHq,
    body: { enabled: true },
  },
  { operationId: "rotateDeviceKey", by: "key", summary: "A new key", path: canteen, body: {} },
  {
    operationId: "deletePalm",
    by: "key",
    summary: "A palm of a member",
    path: { ...noa, palm_id: "{palm.id}" },
  },
  { operationId: "deleteMember", by: "key", summary: "A member and all palms", path: noa },
  { operationId: "deleteDevice", by: "key", summary: "A terminal", path: canteen },
  { operationId: "deleteWebhook", by: "key", summary: "A subscription and its history", path: hook },
];

/** Operations without examples, and why. */
export const NOT_SHOWN: Readonly<Record<string, string>> = {
  openapi: "its answer is the document",
};

/** A value with what it names put in its place. @throws Error for a name that no answer has */
export function fill<T extends Json | undefined>(value: T, answers: Readonly<Record<string, Json>>): T;
export function fill(value: Json | undefined, answers: Readonly<Record<string, Json>>): Json | undefined {
  if (typeof value === "string") {
    const [, path] = /^\{([\w.]+)\}$/.exec(value) ?? [];
    return path === undefined ? value : valueAt(answers, path);
  }
  if (typeof value !== "object" || value === null) return value;
  if (Array.isArray(value)) return value.map((item) => fill(item, answers));
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, fill(inner, answers)]));
}

function valueAt(answers: Json, path: string): Json {
  const found = path.split(".").reduce<Answered>((value, name) => value?.[name], answers);
  if (found === undefined) throw new Error(`no answer has ${path}`);
  return found;
}
