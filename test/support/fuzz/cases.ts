import { randomUUID } from "node:crypto";
import fc from "fast-check";
import type { Credential } from "../../../functions/src/http/route.ts";
import type { Prepared } from "../requests.ts";
import { type Operation, operationsAt, resolve, type Schema } from "./document.ts";
import type { Sent } from "./oracle.ts";
import { badPictures } from "./pictures.ts";
import {
  changed,
  drawnFrom,
  NASTY_TEXTS,
  nasty,
  nested,
  placesOf,
  Raw,
  type Value,
  write,
} from "./values.ts";
import type { World } from "./world.ts";

/** One request of an operation: what is right about it, and what is made wrong. */
export interface Case {
  /** Of several examples and credentials that are right, which. */
  example: number;
  credential: number;
  body: Value | undefined;
  query: Readonly<Record<string, string>>;
  /** Whether one that takes an Idempotency-Key has one, and is sent again. */
  once: boolean;
  faults: readonly Fault[];
}

/** What is made wrong. Each kind changes the draft of a request. */
export type Fault =
  | { in: "credential"; is: string }
  | { in: "path"; param: number; is: keyof typeof IDS }
  | { in: "method"; is: string }
  | { in: "query"; name: string; value: string; how: "add" | "replace" | "twice" | "omit" }
  | { in: "header"; name: string; value: string }
  | { in: "body"; at: number; how: keyof typeof CHANGES; value: Value; name: string }
  | { in: "picture"; which: number }
  | { in: "text"; how: keyof typeof TEXTS };

/** A request that is being made. */
export interface Draft {
  method: string;
  path: string;
  ids: Record<string, string>;
  query: [name: string, value: string][];
  headers: Record<string, string>;
  body: Value | undefined;
  text: ((text: string) => string | undefined) | undefined;
}

/** What stands in the place of an id, by what it is called. */
const IDS = {
  missing: () => randomUUID(),
  foreign: (name: string, { foreign }: World) => foreign.ids[name] ?? randomUUID(),
  otherKind: (name: string, { own }: World) => own.ids[name === "project_id" ? "org_id" : "project_id"] ?? "",
  upper: (name: string, { own }: World) => (own.ids[name] ?? randomUUID()).replace(/.$/, "a").toUpperCase(),
  short: () => "0",
  long: () => "a".repeat(3000),
  braces: () => `{${randomUUID()}}`,
  nil: () => "00000000-0000-0000-0000-000000000000",
  slash: () => "a%2fb",
  nul: () => "%00",
  emoji: () => "🖐",
  brokenEscape: () => "%ff%",
  proto: () => "__proto__",
  padded: (name: string, { own }: World) => `${own.ids[name] ?? randomUUID()}%20`,
  wildcard: () => "*",
};

/** How a place in a body is changed. */
const CHANGES = {
  replace: (_was: Value, value: Value): Value => value,
  omit: (): undefined => undefined,
  deep: (was: Value): Value => new Raw(`[${write(was)},${nested(33).text}]`),
  deepest: (): Value => nested(20_000),
  add: (was: Value, value: Value, name: string): Value =>
    typeof was === "object" && was !== null && !Array.isArray(was) && !(was instanceof Raw)
      ? Object.fromEntries([...Object.entries(was), [name, value]])
      : value,
  /** A field that stands there twice: the last one counts in JavaScript, the first one elsewhere. */
  twice: (was: Value, value: Value, name: string): Value =>
    typeof was === "object" && was !== null && !Array.isArray(was) && !(was instanceof Raw)
      ? twice(was as Record<string, Value>, value, name)
      : value,
  longer: (was: Value): Value => (typeof was === "string" ? was + was + "x".repeat(201) : [was, was]),
  cut: (was: Value): Value => (typeof was === "string" ? was.slice(0, -1) : []),
  list: (was: Value): Value => [was],
  text: (was: Value): Value => (typeof was === "string" ? [was] : write(was)),
};

function twice(was: Record<string, Value>, value: Value, name: string): Value {
  const [first = name] = Object.keys(was);
  const text = write(was);
  return new Raw(`${text.slice(0, -1)}${text === "{}" ? "" : ","}${JSON.stringify(first)}:${write(value)}}`);
}

/** How the text of a body is changed. */
const TEXTS = {
  none: () => undefined,
  empty: () => "",
  blank: () => " \n",
  cut: (text: string) => text.slice(0, -1),
  behind: (text: string) => `${text}x`,
  again: (text: string) => text + text,
  mark: (text: string) => `\ufeff${text}`,
  comment: (text: string) => `/**/${text}`,
  single: (text: string) => text.replaceAll('"', "'"),
  form: () => "a=b&c=d",
  xml: () => "<a/>",
  null: () => "null",
  number: () => "1",
  string: () => '"a"',
  list: (text: string) => `[${text}]`,
  proto: (text: string) => `{"__proto__":{"admin":true}${text.length > 2 ? `,${text.slice(1)}` : "}"}`,
  large: (text: string) => `${" ".repeat(257 * 1024)}${text}`,
};

/** What the schema of a query cannot say of its parameters together. */
const SENSIBLE: Record<string, fc.Arbitrary<string>> = {
  page: fc.integer({ min: 1, max: 10 }).map(String),
  time_zone: fc.constantFrom(
    ...["UTC", "Europe/Berlin", "america/new_york", "Asia/Kathmandu", "Australia/Lord_Howe", "Pacific/Apia"],
  ),
};

const ranges = fc
  .record({
    back: fc.integer({ min: 0, max: 1e10 }),
    hours: fc.integer({ min: 1, max: 40 }),
    written: fc.constantFrom(
      (text: string) => text,
      (text: string) => text.replace("Z", "+00:00"),
      (text: string) => text.toLowerCase(),
    ),
  })
  .map(({ back, hours, written }) => {
    const to = new Date(Date.UTC(2026, 10, 1) - back);
    const from = new Date(to.getTime() - hours * 3_600_000);
    return { from: written(from.toISOString()), to: written(to.toISOString()) };
  });

/** Every query that the document allows, but for cursors: those are found in answers alone. */
function queryOf({ query }: Operation): fc.Arbitrary<Record<string, string>> {
  const plain = query.filter(({ name }) => !["from", "to", "cursor"].includes(name));
  const fields = Object.fromEntries(
    plain.map(({ name, schema }) => [name, SENSIBLE[name] ?? drawnFrom(schema).map(String)]),
  );
  const required = plain.filter((one) => one.required).map(({ name }) => name);
  const rest = fc.record(fields, { requiredKeys: required, noNullPrototype: true });
  if (!query.some(({ name }) => name === "from")) return rest as fc.Arbitrary<Record<string, string>>;
  return fc
    .tuple(rest, fc.option(ranges, { nil: {} }))
    .map(([one, range]) => ({ ...one, ...range }) as Record<string, string>);
}

/** The only permission of the key `limited`. */
export const LIMITED_TO = "events:read";

const BAD_CREDENTIALS = [
  ...["none", "empty", "scheme", "bare", "nothing", "two", "cut", "flipped", "renamed", "unknown"],
  ...["unknownDevice", "unknownClaim", "dots", "long", "latin", "revoked", "expired", "elsewhere", "limited"],
  ...["foreign", "firebase", "apiKey", "deviceKey", "claimToken"],
];

const METHODS = ["HEAD", "OPTIONS", "GET", "POST", "PUT", "PATCH", "DELETE", "BREW"];

const HEADERS: readonly (readonly [name: string, value: string])[] = [
  ...["", "a b", "ok", "x".repeat(64), "x".repeat(65), "ÿ", "<script>", "../..", "id_with-all.of_it"].map(
    (value) => ["X-Request-Id", value] as const,
  ),
  ...["", " ", "a", "x".repeat(255), "x".repeat(256), "ÿ", "one two"].map(
    (value) => ["Idempotency-Key", value] as const,
  ),
  ...[
    ...[
      "",
      "text/plain",
      "application/x-www-form-urlencoded",
      "multipart/form-data; boundary=x",
      "application/jsonx",
    ],
    ...[
      "application/json; charset=utf-16",
      "application/json; charset=latin1",
      "application/merge-patch+json",
    ],
    ...[
      "application/json;charset=UTF-8",
      "APPLICATION/JSON",
      "application/json; profile=x",
      "application/json,text/html",
    ],
  ].map((value) => ["Content-Type", value] as const),
  ["Content-Length", "0"],
  ["Content-Encoding", "gzip"],
  ["Accept", "text/html"],
  ["Accept", "application/xml;q=0"],
  ["If-None-Match", "*"],
  ["Range", "bytes=0-1"],
  ["Origin", "https://evil.example"],
  ["X-Forwarded-For", "1.2.3.4, nonsense, ::1"],
  ["X-HTTP-Method-Override", "DELETE"],
  ["Cookie", "__session=x"],
  ["Expect", "nothing"],
];

/** Texts that a URL can hold: half a surrogate pair cannot be encoded. */
const inUrl = fc.oneof(
  fc.constantFrom(...NASTY_TEXTS.map((text) => text.toWellFormed())),
  fc.string({ unit: "grapheme", maxLength: 10 }),
  fc.constantFrom(
    "9",
    "10",
    "0",
    "-1",
    "01",
    "1e1",
    "100001",
    "99999999999999999999",
    "1.0",
    "+1",
    " 1",
    "true",
  ),
  fc.constantFrom("eyJhIjoxfQ", "MTcwMDAwMDAwMDAwMC5hYWFhYWFhYS0wMDAwLTQwMDAtODAwMC0wMDAwMDAwMDAwMDE"),
  fc.constantFrom(
    "2026-01-01T00:00:00+14:00",
    "2026-01-01 00:00:00Z",
    "0001-01-01T00:00:00Z",
    "2036-01-01T00:00:00.000Z",
    "1970-01-01T00:00:00.000Z",
    "2026-01-01T00:00:00.123456789Z",
  ),
);

function faultOf(operation: Operation): fc.Arbitrary<Fault> {
  const { params, query, body } = operation;
  // A method that the path has is another operation, and might take away what others need.
  const there = operationsAt(operation.path);
  const methods = METHODS.filter((method) => !there.has(method));
  const kinds: fc.Arbitrary<Fault>[] = [
    fc.record({ in: fc.constant("credential" as const), is: fc.constantFrom(...BAD_CREDENTIALS) }),
    fc.record({ in: fc.constant("method" as const), is: fc.constantFrom(...methods) }),
    fc.constantFrom(...HEADERS).map(([name, value]) => ({ in: "header" as const, name, value })),
    fc.record({
      in: fc.constant("query" as const),
      name: fc.oneof(fc.constantFrom("unknown", "", "__proto__", "page", "a[]", "constructor"), inUrl),
      value: inUrl,
      how: fc.constant("add" as const),
    }),
  ];
  if (params.length > 0) {
    const names = Object.keys(IDS) as (keyof typeof IDS)[];
    const path = fc.record({
      in: fc.constant("path" as const),
      param: fc.nat({ max: params.length - 1 }),
      is: fc.oneof(fc.constantFrom(...names), fc.constant("foreign" as const)),
    });
    kinds.push(path);
  }
  if (query.length > 0) {
    const wrong = fc.record({
      in: fc.constant("query" as const),
      name: fc.constantFrom(...query.map(({ name }) => name)),
      value: inUrl,
      how: fc.constantFrom("replace" as const, "replace" as const, "twice" as const, "omit" as const),
    });
    kinds.push(wrong, wrong);
  }
  if (body) {
    const change = fc.record({
      in: fc.constant("body" as const),
      at: fc.nat({ max: 30 }),
      how: fc.constantFrom(
        ...(Object.keys(CHANGES) as (keyof typeof CHANGES)[]),
        "replace" as const,
        "replace" as const,
      ),
      value: nasty,
      name: fc.oneof(
        fc.constantFrom("unknown", "constructor", "__proto__", "toString", "id"),
        fc.constantFrom(...NASTY_TEXTS),
      ),
    });
    const names = Object.keys(TEXTS) as (keyof typeof TEXTS)[];
    const text = fc.record({ in: fc.constant("text" as const), how: fc.constantFrom(...names) });
    kinds.push(change, change, change, text);
    if (hasPicture(body)) {
      kinds.push(
        fc.record({ in: fc.constant("picture" as const), which: fc.nat({ max: badPictures().length - 1 }) }),
      );
    }
  }
  return fc.oneof(...kinds);
}

const hasPicture = (schema: Schema): boolean =>
  Object.keys(resolve(schema).properties ?? {}).some((name) => name === "image" || name === "samples");

/** Requests of an operation: half of them right, most of the others wrong in one way. */
export function caseOf(operation: Operation): fc.Arbitrary<Case> {
  const fault = faultOf(operation);
  return fc.record({
    example: fc.nat({ max: 5 }),
    credential: fc.nat({ max: 5 }),
    body: operation.body ? drawnFrom(operation.body) : fc.constant(undefined),
    query: queryOf(operation),
    once: fc.oneof({ weight: 3, arbitrary: fc.constant(false) }, fc.constant(true)),
    faults: fc.oneof(
      { weight: 4, arbitrary: fc.constant([]) },
      { weight: 5, arbitrary: fault.map((one) => [one]) },
      { weight: 1, arbitrary: fc.array(fault, { minLength: 2, maxLength: 4 }) },
    ),
  });
}

/** What a schema cannot say: what is there, and what a palm looks like. The example knows. */
const GIVEN = [
  ...[
    "member_id",
    "session_id",
    "session_version",
    "version",
    "wait",
    "sample_id",
    "image",
    "photo",
    "template",
  ],
  ...["registration_code", "url", "project_ids", "since", "expires_at"],
];

/** The drawn body, with what the example alone can know. */
function settled(drawn: Value | undefined, example: unknown): Value | undefined {
  if (drawn === undefined || typeof drawn !== "object" || drawn === null) return drawn;
  const known = (example ?? {}) as Record<string, Value>;
  const own = Object.entries(drawn).filter(([name]) => !GIVEN.includes(name));
  const given = Object.entries(known).filter(([name]) => GIVEN.includes(name));
  const body = Object.fromEntries([...own, ...given]) as Record<string, Value>;
  if (Array.isArray(body["samples"]) && Array.isArray(known["samples"])) {
    const [picture] = known["samples"] as { image: string }[];
    const [first] = body["samples"] as Record<string, Value>[];
    body["samples"] = (body["samples"] as Record<string, Value>[]).map(
      ({ template: _, photo: __, hand: ___, ...more }) => ({
        ...more,
        ...(first?.["hand"] === undefined ? {} : { hand: first["hand"] }),
        image: picture?.image ?? "",
      }),
    );
  }
  return Object.keys(body).length === 0 ? (known as Value) : body;
}

/** Puts a request together. */
export function draftOf(
  operation: Operation,
  { query, body, once, faults }: Case,
  prepared: Prepared,
  world: World,
): Draft {
  const { token, body: example } = prepared.call;
  const given = Object.fromEntries(new URLSearchParams(prepared.query));
  const known = Object.fromEntries(Object.entries(given).filter(([name]) => GIVEN.includes(name)));
  const draft: Draft = {
    method: operation.method,
    path: operation.path,
    ids: { ...prepared.ids },
    query: Object.entries({ ...given, ...query, ...known }),
    headers: {
      ...(token === undefined ? {} : { Authorization: `Bearer ${token}` }),
      ...(operation.body ? { "Content-Type": "application/json" } : {}),
    },
    body: settled(body, example),
    text: undefined,
  };
  const pays = (draft.body as { transaction?: unknown } | undefined)?.transaction !== undefined;
  if (operation.idempotent && (once || pays)) draft.headers["Idempotency-Key"] = randomUUID();
  for (const fault of faults) FAULTS[fault.in](draft, fault as never, world);
  return draft;
}

const FAULTS: {
  [Kind in Fault["in"]]: (draft: Draft, fault: Extract<Fault, { in: Kind }>, world: World) => void;
} = {
  credential({ headers }, { is }, { own, foreign, dead }) {
    const tokens: Partial<Record<string, string>> = {
      firebase: own.user.token,
      apiKey: own.key,
      deviceKey: own.deviceKey,
      claimToken: own.claimToken,
      foreign: foreign.key,
    };
    delete headers["Authorization"];
    const value = tokens[is] === undefined ? dead[is] : `Bearer ${tokens[is]}`;
    if (value !== undefined) headers["Authorization"] = value;
  },
  path({ ids, path }, { param, is }, world) {
    const names = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name as string);
    const name = names[param % names.length] as string;
    ids[name] = IDS[is](name, world);
  },
  method(draft, { is }) {
    draft.method = is;
  },
  query(draft, { name, value, how }) {
    const others = draft.query.filter(([one]) => one !== name);
    if (how === "omit") draft.query = others;
    else if (how === "replace") draft.query = [...others, [name, value]];
    else draft.query.push([name, value], ...(how === "twice" ? [[name, value] as [string, string]] : []));
  },
  header({ headers }, { name, value }) {
    headers[name] = value;
  },
  body(draft, { at, how, value, name }) {
    if (draft.body === undefined) return;
    const places = placesOf(draft.body);
    const place = places[at % places.length] ?? [];
    draft.body = changed(draft.body, place, (was) => CHANGES[how](was, value, name));
  },
  picture(draft, { which }) {
    const bad = badPictures()[which] as object;
    const places = placesOf(draft.body ?? null).filter((place) => place.at(-1) === "image");
    const [place] = places;
    if (!place) return;
    draft.body = changed(draft.body as Value, place.slice(0, -1), (was) => {
      const { image: _, ...rest } = was as Record<string, Value>;
      return { ...rest, ...bad } as Value;
    });
  },
  text(draft, { how }) {
    draft.text = TEXTS[how];
  },
};

/** The request as it goes out. */
export function sentOf({ method, path, ids, query, headers, body, text }: Draft): Sent {
  const filled = path.replaceAll(/\{(\w+)\}/g, (_, name: string) => ids[name] ?? "");
  const written = body === undefined ? undefined : write(body);
  const wants = !["GET", "HEAD"].includes(method);
  const whole = text ? text(written ?? "") : written;
  return {
    method,
    pathname: new URL(filled, "http://palmgate.test").pathname,
    query,
    headers,
    body: wants ? whole : undefined,
  };
}

/** What is answered to one fault alone, where that is known: statuses. */
export function expected(operation: Operation, fault: Fault, sent: Sent): number[] | undefined {
  const isPublic = operation.credentials.length === 0;
  if (fault.in === "credential" && !isPublic) {
    const kinds: Record<string, Credential> = {
      ...{ firebase: "firebase", apiKey: "apiKey", deviceKey: "deviceKey", claimToken: "claimToken" },
    };
    const kind = kinds[fault.is];
    if (kind) return operation.credentials.includes(kind) ? undefined : [403];
    if (fault.is === "foreign" || fault.is === "elsewhere") {
      if (!operation.credentials.includes("apiKey")) return [403];
      return operation.params.length > 0 ? [404] : undefined;
    }
    if (fault.is === "limited") return operation.permission === LIMITED_TO ? undefined : [403];
    return [401];
  }
  if (fault.in === "path") return sent.pathname.includes("//") ? undefined : [404];
  if (
    fault.in === "query" &&
    fault.how === "add" &&
    !operation.query.some(({ name }) => name === fault.name)
  ) {
    return [400];
  }
  return undefined;
}
