import { createHash } from "node:crypto";
import { type NewKey, newKey } from "../functions/src/domain/credential/key.ts";
import type { Environment } from "../functions/src/domain/environment/environment.ts";
import type { Organization } from "../functions/src/domain/organization/organization.ts";
import type { Project } from "../functions/src/domain/project/project.ts";

/*
 * The demo world as plain data: what scripts/seed.ts writes and checks. Its ids stand in other people's examples,
 * so they stay; a new thing is a new row, which changes nothing that a row before it made.
 */

/** The world's first moment; what grows in it comes minutes later. */
export const BEGINNING = new Date("2026-09-01T08:00:00.000Z");

export const PASSWORD = "palmgate-demo";

/** Where `npm start` listens. */
export const BASE_URL = "http://127.0.0.1:5005";

const ACME = "aaaaaaaa-0000-4000-8000-000000000001";
const RIVAL = "aaaaaaaa-0000-4000-8000-000000000002";
const TINY = "aaaaaaaa-0000-4000-8000-000000000003";
const PALMGATE_GLOBAL = "aaaaaaaa-0000-4000-8000-000000000009";

const ACME_PALMS = "eeeeeeee-0000-4000-8000-000000000001";
const RIVAL_PALMS = "eeeeeeee-0000-4000-8000-000000000002";
const TINY_PALMS = "eeeeeeee-0000-4000-8000-000000000003";
const GLOBAL_PALMS = "eeeeeeee-0000-4000-8000-000000000009";

export const ACME_HQ = "bbbbbbbb-0000-4000-8000-000000000001";
const ACME_KIOSK = "bbbbbbbb-0000-4000-8000-000000000002";
const RIVAL_GYM = "bbbbbbbb-0000-4000-8000-000000000003";
const TINY_SHOP = "bbbbbbbb-0000-4000-8000-000000000004";

export const FRONT_DOOR = "dddddddd-0000-4000-8000-000000000001";

/** Console users; each administers the organization named, the last none. */
export const users = [
  { uid: "acme-admin", email: "admin@acme.example", organization_id: ACME },
  { uid: "rival-admin", email: "admin@rival.example", organization_id: RIVAL },
  { uid: "tiny-admin", email: "admin@tiny.example", organization_id: TINY },
  { uid: "nobody", email: "nobody@acme.example", organization_id: null },
];

export const organizations: Omit<Organization, "created_at">[] = [
  { id: ACME, name: "Acme", plan: "enterprise", admins: ["acme-admin"] },
  { id: RIVAL, name: "Rival", plan: "business", admins: ["rival-admin"] },
  { id: TINY, name: "Tiny", plan: "sandbox", admins: ["tiny-admin"] },
  { id: PALMGATE_GLOBAL, name: "Palmgate Global", plan: "enterprise", admins: [] },
];

const tenantManaged = {
  type: "organization",
  template_format: "palm-code.v1",
  target_fpir: 1e-3,
  server_lookup_allowed: true,
  calibration: null,
} as const;

export const environments: Omit<Environment, "created_at">[] = [
  { ...tenantManaged, id: ACME_PALMS, organization_id: ACME },
  { ...tenantManaged, id: RIVAL_PALMS, organization_id: RIVAL },
  { ...tenantManaged, id: TINY_PALMS, organization_id: TINY },
  {
    ...tenantManaged,
    id: GLOBAL_PALMS,
    organization_id: PALMGATE_GLOBAL,
    type: "global",
    server_lookup_allowed: false,
  },
];

const openToTry = { phone_number: null, sandbox: true, server_lookup_enabled: true };

export const projects: Omit<Project, "created_at">[] = [
  {
    ...openToTry,
    id: ACME_HQ,
    organization_id: ACME,
    environment_id: ACME_PALMS,
    name: "Acme HQ",
    website: "https://acme.example",
  },
  {
    ...openToTry,
    id: ACME_KIOSK,
    organization_id: ACME,
    environment_id: GLOBAL_PALMS,
    name: "Acme Kiosk",
    website: "https://acme.example",
    sandbox: false,
    server_lookup_enabled: false,
  },
  {
    ...openToTry,
    id: RIVAL_GYM,
    organization_id: RIVAL,
    environment_id: RIVAL_PALMS,
    name: "Rival Gym",
    website: "https://rival.example",
  },
  {
    ...openToTry,
    id: TINY_SHOP,
    organization_id: TINY,
    environment_id: TINY_PALMS,
    name: "Tiny Shop",
    website: null,
  },
];

/** API keys by their name in credentials.json; one opens its whole organization unless it names projects. */
export const apiKeys = [
  { name: "acme", organization_id: ACME, user_id: "acme-admin", project_ids: null, revoked: false },
  { name: "acme_hq", organization_id: ACME, user_id: "acme-admin", project_ids: [ACME_HQ], revoked: false },
  { name: "rival", organization_id: RIVAL, user_id: "rival-admin", project_ids: null, revoked: false },
  { name: "tiny", organization_id: TINY, user_id: "tiny-admin", project_ids: null, revoked: false },
  { name: "revoked", organization_id: ACME, user_id: "acme-admin", project_ids: null, revoked: true },
];

/** Terminals; `key` is the name of theirs in credentials.json. */
export const devices = [{ key: "acme_hq", id: FRONT_DOOR, project_id: ACME_HQ, name: "Front door" }];

/** One palm of a person: its pictures are `<file>-enrol-K.png` and `<file>-fresh-K.png`. */
export interface PalmOf {
  file: string;
  hand: "left" | "right";
  /** Of the synthetic palm. */
  seed: number;
}

export interface Person {
  project_id: string;
  name: string;
  external_id: string;
  /** The right hand, and the left one of a few. */
  palms: PalmOf[];
}

const NAMES = [
  "Amara Okafor",
  "Jonas Lindqvist",
  "Mei Tanaka",
  "Lucia Ferrari",
  "Tomasz Nowak",
  "Priya Raman",
  "Daniel Weber",
  "Sofía Castellanos",
  "Emre Yıldız",
  "Hannah Cohen",
  "Kwame Mensah",
  "Ingrid Solberg",
  "Rafael Moreira",
  "Aoife Brennan",
  "Nikolai Petrov",
  "Fatima Zahra Benali",
  "Chloé Dubois",
  "Arjun Mehta",
  "Lena Hoffmann",
  "Mateo Álvarez",
];
const BOTH_HANDS = new Set([3, 7, 12, 18]);

const two = (number: number): string => String(number).padStart(2, "0");

/** The people of Acme HQ. */
export const people: Person[] = NAMES.map((name, index) => {
  const number = index + 1;
  const file = `member-${two(number)}`;
  const right: PalmOf = { file, hand: "right", seed: 1400 + number };
  const left: PalmOf = { file: `${file}-left`, hand: "left", seed: 2200 + number };
  return {
    project_id: ACME_HQ,
    name,
    external_id: `acme-${1000 + number}`,
    palms: BOTH_HANDS.has(number) ? [right, left] : [right],
  };
});

const ENROL_PICTURES = 3;
const FRESH_PICTURES = 2;

/** A palm that nobody has enrolled yet, for whoever wants to try that. */
export const newcomer: PalmOf = { file: "newcomer", hand: "right", seed: 4001 };

/** Photographs of a hand that nobody has enrolled yet: examples enroll it. */
export const photographs: Photograph[] = ["enrol-1", "enrol-2", "enrol-3", "fresh-1", "fresh-2"].map(
  (name, poseSeed) => ({ file: `visitor-${name}.jpg`, palmSeed: 2, hand: "right", poseSeed }),
);

/** Palms that belong to nobody. */
const strangers = Array.from({ length: 8 }, (_, i) => ({ file: `stranger-${two(i + 1)}`, seed: 3001 + i }));
const STRANGER_PICTURES = 4;

/** One photograph in `hands/`, as `renderHand` renders it. */
interface Photograph {
  file: string;
  palmSeed: number;
  hand: "left" | "right";
  poseSeed: number;
}

/** One picture in `palms/`: the synthetic palm `seed`, taken for the time `sample`. */
export interface Picture {
  file: string;
  seed: number;
  sample: number;
}

/** Pictures that a palm is enrolled from. */
export const enrolPictures = (palm: Pick<PalmOf, "file" | "seed">): Picture[] =>
  Array.from({ length: ENROL_PICTURES }, (_, k) => picture(palm, `enrol-${k + 1}`, k));

/** Pictures of an enrolled palm that were not enrolled. */
export const freshPictures = (palm: Pick<PalmOf, "file" | "seed">): Picture[] =>
  Array.from({ length: FRESH_PICTURES }, (_, k) => picture(palm, `fresh-${k + 1}`, ENROL_PICTURES + k));

export const strangerPictures: Picture[] = strangers.flatMap((palm) =>
  Array.from({ length: STRANGER_PICTURES }, (_, k) => picture(palm, String(k + 1), k)),
);

/** Every picture of the world. */
export const pictures: Picture[] = [
  ...[...people.flatMap(({ palms }) => palms), newcomer].flatMap((palm) => [
    ...enrolPictures(palm),
    ...freshPictures(palm),
  ]),
  ...strangerPictures,
];

function picture({ file, seed }: { file: string; seed: number }, what: string, sample: number): Picture {
  return { file: `${file}-${what}.png`, seed, sample };
}

/** 32 bytes that are the same each time, and protect nothing. */
export const fixedBytes = (name: string): Uint8Array =>
  createHash("sha256").update(`palmgate demo world: ${name}`).digest();

/** UUIDs that are the same each time: each name has its own row of them, so a new name moves nobody's. */
export function fixedIds(name: string): () => string {
  let count = 0;
  return () => {
    const bytes = fixedBytes(`${name} ${++count}`);
    bytes[6] = ((bytes[6] as number) & 0x0f) | 0x40; // version 4
    bytes[8] = ((bytes[8] as number) & 0x3f) | 0x80; // RFC 9562's variant
    const hex = Buffer.from(bytes).toString("hex");
    return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12}).*$/, "$1-$2-$3-$4-$5");
  };
}

/** An API key by its name in credentials.json. */
export function apiKeyNamed(name: string): NewKey & { id: string } {
  const id = fixedIds(`key ${name}`)();
  return { id, ...newKey("pg", id, fixedBytes(`secret ${name}`)) };
}

/** The key of a terminal. */
export const deviceKey = ({ id, key }: { id: string; key: string }): NewKey =>
  newKey("pd", id, fixedBytes(`device secret ${key}`));

/** What credentials.json says: all that somebody needs to use the world from outside. */
export const credentials = {
  base_url: BASE_URL,
  users: users.map(({ email, organization_id }) => ({ email, password: PASSWORD, organization_id })),
  api_keys: Object.fromEntries(apiKeys.map(({ name }) => [name, apiKeyNamed(name).key])),
  device_keys: Object.fromEntries(devices.map((device) => [device.key, deviceKey(device).key])),
};
