import { type KeyKind, keyPrefix, newKey, parseKey } from "../../functions/src/domain/credential/key.ts";
import type { Json } from "../../functions/src/http/openapi.ts";
import * as world from "../world.ts";

/*
 * What comes out differently each time (ids, moments, secrets) stands in the document as something that stays, told
 * apart by its form alone. What the demo world has is itself.
 */

/** Where examples receive webhooks: where `npm run webhooks:listen` does. */
const ENDPOINT = "http://localhost:4000";
/** The document's moment of the first call; each call is a second later. */
const FIRST = Date.parse("2026-10-01T09:00:00.000Z");
const SECOND = 1000;
const DAY = 24 * 60 * 60_000;
/** How far ahead of a call lies what it sets a time for: a session's end, a registration's, that of a rotated key. */
const SPANS = [120 * SECOND, 900 * SECOND, DAY];
/** Numbers that say how long something took, by name. */
const DURATIONS: Readonly<Record<string, number>> = { took_ms: 18, duration_ms: 42 };

const UUID = "[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}";
const TOKEN = new RegExp(
  [
    "(?<key>p[dgt]_[0-9A-Za-z]{22}\\.[0-9A-Za-z]{49})",
    "(?<prefix>p[dgt]_[0-9A-Za-z]{22})",
    `(?<id>${UUID})`,
    "(?<time>\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\d\\.\\d{3}Z)",
    "(?<secret>whsec_[A-Za-z0-9+/]{43}=)",
    "(?<endpoint>http://localhost:\\d+)",
  ].join("|"),
  "g",
);
type Kind = "key" | "prefix" | "id" | "time" | "secret" | "endpoint";

const fakeId = (n: number): string => `00000000-0000-4000-8000-${String(n).padStart(12, "0")}`;
const fakeCode = (n: number): string => `DEM${String(n).padStart(5, "0")}`;
/** 32 bytes that end with a number. */
const fakeSecret = (n: number): string =>
  `whsec_${Buffer.from(n.toString(16).padStart(64, "0"), "hex").toString("base64")}`;

/** What the document shows of something that no suite knows: whoever sends it has not heard what it stands for. */
const FAKE = /^(00000000-0000-4000-8000-\d{12}|p[dgt]_00000\w+(\.\w+)?|DEM\d{5}|whsec_A{20}.+)$/;

/** Ids that the demo world has. */
const WORLD = new Set([
  ...(JSON.stringify(world).match(new RegExp(UUID, "g")) ?? []),
  ...world.apiKeys.map(({ name }) => world.apiKeyNamed(name).id),
  ...world.people.map(({ external_id }) => world.fixedIds(external_id)()),
]);

/** Translates between a suite and the document, for one play of the tour. */
export class Disguise {
  /** What the document shows of what the suite has said, and back. */
  readonly #shown = new Map<string, string>();
  readonly #live = new Map<string, string>();
  /** When the calls began, in ms. */
  readonly #begun: number[] = [];
  #ids = 0;
  #others = 0;

  /** @param endpoint where webhooks arrive in truth, `http://localhost:<port>` */
  constructor(endpoint: string) {
    this.#bind(endpoint, ENDPOINT);
  }

  /** A call begins: what happens until the next one happens, for the document, at one moment. */
  begin(): void {
    this.#begun.push(Date.now());
  }

  /** A request of the document as it can be sent. @throws Error for what has not been heard of yet */
  reveal(value: Json): Json {
    const liveOf = (text: string): string => {
      const live = this.#live.get(text) ?? this.#beginOf(text);
      if (live === undefined && FAKE.test(text)) throw new Error(`nobody has told of ${text} yet`);
      return live ?? text;
    };
    // Codes and cursors are whole strings of no form of their own.
    return rewrite(value, (text) =>
      liveOf(text).replaceAll(TOKEN, (token) => (token === text ? token : liveOf(token))),
    );
  }

  /** An answer of the suite as the document shows it. @throws Error for a moment of neither the world nor a call */
  hide(value: Json): Json {
    return rewrite(
      value,
      (text, name) => {
        if (name === "registration_code") return this.#hidden(text, () => fakeCode(++this.#others));
        if (name === "next_cursor") return this.#hidden(text, () => this.#hideCursor(text));
        return text.replaceAll(TOKEN, (token, ...more) => this.#hideToken(token, kindOf(more.at(-1))));
      },
      (number, name) => DURATIONS[name] ?? number,
    );
  }

  #hideToken(token: string, kind: Kind): string {
    switch (kind) {
      case "key":
        return this.#hidden(token, () => this.#hideKey(token));
      case "id":
        return this.#hideId(token);
      case "time":
        return this.#hideTime(Date.parse(token));
      case "secret":
        return this.#hidden(token, () => fakeSecret(++this.#others));
      default:
        return this.#shown.get(token) ?? token;
    }
  }

  #hideId(id: string): string {
    if (WORLD.has(id)) return id;
    return this.#hidden(id, () => {
      const fake = fakeId(++this.#ids);
      for (const kind of ["pg", "pd", "pt"] as const) this.#bind(keyPrefix(kind, id), keyPrefix(kind, fake));
      return fake;
    });
  }

  #hideKey(key: string): string {
    const kind = key.slice(0, 2) as KeyKind;
    const id = parseKey(kind, key)?.id;
    if (id === undefined) throw new Error("this is no key");
    return newKey(kind, this.#hideId(id), world.fixedBytes(`openapi.json ${++this.#others}`)).key;
  }

  #hideTime(at: number): string {
    const shown = this.#shownTime(at);
    if (shown === undefined)
      throw new Error(`${new Date(at).toISOString()} is of neither the world nor a call`);
    return new Date(shown).toISOString();
  }

  #shownTime(at: number): number | undefined {
    const [first = 0] = this.#begun;
    if (at >= +world.BEGINNING && at < +world.BEGINNING + DAY) return at;
    // A day of UTC.
    if (at % DAY === 0) return at - startOfDay(first) + startOfDay(FIRST);
    if (at <= Date.now()) {
      const call = this.#begun.findLastIndex((begun) => begun <= at);
      return call < 0 ? undefined : FIRST + call * SECOND;
    }
    const span = SPANS.find((ms) => at - ms >= first && at - ms <= Date.now());
    const base = span === undefined ? undefined : this.#shownTime(at - span);
    return span === undefined || base === undefined ? undefined : base + span;
  }

  /** When the call began that the document has at a moment: a range from there has all of it. */
  #beginOf(token: string): string | undefined {
    const begun = this.#begun[(Date.parse(token) - FIRST) / SECOND];
    return begun === undefined ? undefined : new Date(begun).toISOString();
  }

  /** A cursor says where it stands: `<ms>.<id>`, and a range's two moments. */
  #hideCursor(cursor: string): string {
    const [ms, id = "", ...range] = Buffer.from(cursor, "base64url").toString().split(".");
    const moment = (text: string | undefined) => Date.parse(this.#hideTime(Number(text)));
    return Buffer.from([moment(ms), this.#hideId(id), ...range.map(moment)].join(".")).toString("base64url");
  }

  #hidden(live: string, make: () => string): string {
    const known = this.#shown.get(live);
    if (known !== undefined) return known;
    const fake = make();
    this.#bind(live, fake);
    return fake;
  }

  #bind(live: string, fake: string): void {
    this.#shown.set(live, fake);
    this.#live.set(fake, live);
  }
}

const startOfDay = (at: number): number => at - (at % DAY);

const kindOf = (groups: Record<Kind, string | undefined>): Kind =>
  (Object.keys(groups) as Kind[]).find((kind) => groups[kind] !== undefined) as Kind;

/** The same value with other strings and numbers; both are told the name that they stand under. */
function rewrite(
  value: Json,
  string: (text: string, name: string) => string,
  number: (number: number, name: string) => number = (number) => number,
  name = "",
): Json {
  if (typeof value === "string") return string(value, name);
  if (typeof value === "number") return number(value, name);
  if (typeof value !== "object" || value === null) return value;
  if (Array.isArray(value)) return value.map((item) => rewrite(item, string, number, name));
  return Object.fromEntries(
    Object.entries(value).map(([key, inner]) => [key, rewrite(inner as Json, string, number, key)]),
  );
}
