import fc from "fast-check";
import { resolve, type Schema } from "./document.ts";

/** JSON, and what else can be written in its place. */
export type Value = null | boolean | number | string | readonly Value[] | { [name: string]: Value } | Raw;

/** Text that is sent as it is where a value should stand. */
export class Raw {
  readonly text: string;
  constructor(text: string) {
    this.text = text;
  }
}

/** The value as it is sent. */
export function write(value: Value): string {
  if (value instanceof Raw) return value.text;
  if (Array.isArray(value)) return `[${value.map(write).join(",")}]`;
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  const fields = Object.entries(value).map(([name, inner]) => `${JSON.stringify(name)}:${write(inner)}`);
  return `{${fields.join(",")}}`;
}

/** One line of text as the API takes it, most of it plain, some of it not. */
const CHARACTERS = fc.oneof(
  { weight: 8, arbitrary: fc.string({ unit: "grapheme-ascii", minLength: 1, maxLength: 1 }) },
  {
    weight: 1,
    arbitrary: fc.constantFrom("é", "ß", "漢", "א", "ع", "🖐", "🏽", "\u200d", "\u0301"),
  },
);

/** A pattern of the document that says which characters a text may not have, by their properties. */
const isTextPattern = (pattern: string): boolean => pattern.includes("\\p{");

type Translator = (schema: Schema) => fc.Arbitrary<Value>;

/** What a keyword is for: those of another type say nothing. Any that is in no list is unknown, and that is an error. */
const KEYWORDS: Record<string, readonly string[]> = {
  any: ["description", "default", "type", "enum", "const", "anyOf"],
  string: ["format", "pattern", "minLength", "maxLength", "contentEncoding"],
  integer: ["minimum", "maximum"],
  number: ["minimum", "maximum"],
  array: ["items", "minItems", "maxItems", "uniqueItems"],
  object: [
    ...["properties", "required", "additionalProperties", "propertyNames", "minProperties", "maxProperties"],
    ...["oneOf"],
  ],
};

const TYPES: Record<string, Translator> = {
  null: () => fc.constant(null),
  boolean: () => fc.boolean(),
  integer: ({ minimum = -(2 ** 31), maximum = 2 ** 31 }) =>
    fc.oneof(
      fc.integer({ min: minimum, max: maximum }),
      fc.constantFrom(minimum, maximum, Math.min(maximum, minimum + 1)),
    ),
  number: ({ minimum = -1e9, maximum = 1e9 }) =>
    fc.oneof(
      fc.double({ min: minimum, max: maximum, noNaN: true }).map((value) => value + 0),
      fc.constantFrom(minimum, maximum),
    ),
  string: stringOf,
  array: ({ items = {}, minItems = 0, maxItems = minItems + 3, uniqueItems = false }) => {
    const lengths = { minLength: minItems, maxLength: Math.min(maxItems, minItems + 4) };
    return uniqueItems ? fc.uniqueArray(drawnFrom(items), lengths) : fc.array(drawnFrom(items), lengths);
  },
  object: objectOf,
};

/**
 * What the schema allows. Strings that only look right (base64, a URL) are not made good here.
 * @throws Error for a keyword, type, format or pattern that it does not know: such a schema must not pass as "anything".
 */
export function drawnFrom(referring: Schema): fc.Arbitrary<Value> {
  const schema = resolve(referring);
  const { type, enum: some, const: one, anyOf } = schema;
  const known = [...(KEYWORDS["any"] ?? []), ...(KEYWORDS[type ?? ""] ?? [])];
  const strange = Object.keys(schema).filter((keyword) => !known.includes(keyword));
  if (strange.length > 0) throw new Error(`unknown in a schema of ${type}: ${strange.join(", ")}`);
  if (one !== undefined) return fc.constant(one as Value);
  if (some) return fc.constantFrom(...(some as Value[]));
  if (anyOf && type !== "object") return fc.oneof(...anyOf.map(drawnFrom));
  const translator = TYPES[type ?? ""];
  if (!translator) throw new Error(`a schema of an unknown type: ${JSON.stringify(schema)}`);
  return translator(schema);
}

function stringOf(schema: Schema & { contentEncoding?: string }): fc.Arbitrary<string> {
  const { format, pattern, contentEncoding, minLength = 0, maxLength = minLength + 40 } = schema;
  if (contentEncoding === "base64") {
    // Not fc.base64String: it leaves bits over, which RFC 4648 lets a reader refuse.
    return fc
      .uint8Array({ minLength: 1, maxLength: 30 })
      .map((bytes) => Buffer.from(bytes).toString("base64"));
  }
  if (contentEncoding !== undefined) throw new Error(`an unknown encoding: ${contentEncoding}`);
  const format_ = format === undefined ? undefined : FORMATS[format];
  if (format !== undefined && !format_) throw new Error(`an unknown format: ${format}`);
  if (format_) return format_;
  if (pattern !== undefined && !isTextPattern(pattern)) return fc.stringMatching(new RegExp(pattern));
  const fits = new RegExp(pattern ?? "", "u");
  // Most are short, some as long as they may be; lengths are of code points.
  const short = fc.string({ unit: CHARACTERS, minLength, maxLength: Math.min(maxLength, minLength + 20) });
  const long = fc.constantFrom("x", "é", "🖐").map((character) => character.repeat(maxLength));
  return fc
    .oneof({ weight: 8, arbitrary: short }, { weight: 1, arbitrary: long })
    .filter((text) => fits.test(text));
}

const FORMATS: Record<string, fc.Arbitrary<string>> = {
  uuid: fc.uuid({ version: 4 }),
  e164: fc.stringMatching(/^\+[1-9]\d{6,14}$/),
  "idn-email": fc
    .tuple(
      fc.oneof(
        fc.stringMatching(/^[a-z][a-z0-9]{2,20}$/),
        fc.constantFrom("o'neil+x", "jürgen.groß", "用户", "δοκιμή", "म्‍य", "!#$%&'*+/=?^_`{|}~-"),
      ),
      fc.oneof(
        fc.domain(),
        fc.constantFrom("münchen.example", "例え.テスト", "xn--e1afmkfd.xn--p1ai", "परीक्षा.भारत", "Faß.DE"),
      ),
    )
    .map((parts) => parts.join("@"))
    .filter((address) => Buffer.byteLength(address) <= 254),
  "date-time": fc
    .date({ min: new Date("2020-01-01"), max: new Date("2030-01-01"), noInvalidDate: true })
    .chain((date) => fc.constantFrom(...timesOf(date))),
};

/** A moment as RFC 3339 lets it be written, and the leap second that its month could end with. */
function timesOf(date: Date): string[] {
  const text = date.toISOString();
  const monthsEnd = new Date(Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + 1, 1) - 1);
  return [
    text,
    text.toLowerCase(),
    text.replace("Z", "-00:00"),
    monthsEnd.toISOString().replace("59.999", "60"),
  ];
}

function objectOf(schema: Schema): fc.Arbitrary<Value> {
  const { oneOf, anyOf, ...rest } = schema;
  if (oneOf) return fc.oneof(...oneOf.map((one) => objectOf(narrowed(rest, one, othersOf(one, oneOf)))));
  if (anyOf) return fc.oneof(...anyOf.map((one) => objectOf(narrowed(rest, one, []))));
  const { properties = {}, required = [], additionalProperties, propertyNames } = rest;
  if (typeof additionalProperties === "object") {
    const names = propertyNames ? stringOf(propertyNames) : fc.string();
    const maxKeys = Math.min(rest.maxProperties ?? 5, 5);
    return fc.dictionary(names, drawnFrom(additionalProperties), { maxKeys, noNullPrototype: true });
  }
  const fields = Object.fromEntries(
    Object.entries(properties).map(([name, inner]) => [name, drawnFrom(inner)]),
  );
  return fc
    .record(fields, { requiredKeys: required, noNullPrototype: true })
    .filter((value) => Object.keys(value).length >= (rest.minProperties ?? 0));
}

/** What the other alternatives require. */
const othersOf = (one: Schema, all: readonly Schema[]): string[] =>
  all.flatMap(({ required = [] }) => required).filter((name) => !one.required?.includes(name));

/** The object in one of its alternatives: those require fields and say their types, nothing else. */
function narrowed(
  object: Schema,
  { required = [], properties = {}, ...more }: Schema,
  absent: string[],
): Schema {
  if (Object.keys(more).length > 0) throw new Error("an alternative of an object says more than types");
  const types = {
    ...Object.fromEntries(Object.entries(properties).map(([name, { type }]) => [name, type])),
    ...Object.fromEntries(absent.map((name) => [name, "null"])),
  };
  const fields = Object.entries(object.properties ?? {}).flatMap(([name, field]) => {
    const type = types[name];
    if (type === undefined) return [[name, field]];
    const fitting = (field.anyOf ?? [field]).filter((one) => resolve(one).type === type);
    return fitting.length === 0 ? [] : [[name, { anyOf: fitting }]];
  });
  return {
    ...object,
    properties: Object.fromEntries(fields),
    required: [...new Set([...(object.required ?? []), ...required])],
  };
}

// ---- what nobody wants ----

/** Texts that have broken something somewhere. */
export const NASTY_TEXTS: readonly string[] = [
  "",
  " ",
  "\u0000",
  "a\u0000b",
  "\r\nSet-Cookie: a=b",
  "\u001b[31m",
  "\u0085",
  "\ud800",
  "\udc00\ud800",
  "🖐🏽",
  "‏عربى‎",
  "\u202etxt.exe",
  "\u2066a\u2069",
  "a\u200bb",
  " padded ",
  "ada@127.0.0.1",
  "ada@[127.0.0.1]",
  '"a b"@example.com',
  "ada@xn--a.example",
  "ada@ｅxample.com",
  "EUT",
  "XXX",
  "e\u0301",
  "\ufeff",
  "\uffff",
  "__proto__",
  "constructor",
  "__name__",
  "__id7__",
  ".",
  "..",
  "a/b",
  "a.b",
  "`",
  "null",
  "true",
  "0",
  "-1",
  "NaN",
  "1e400",
  "' OR '1'='1",
  "1; DROP TABLE members; --",
  "%s%n%x",
  "%00",
  // biome-ignore lint/suspicious/noTemplateCurlyInString: it is one
  "${jndi:ldap://localhost/a}",
  "{{7*7}}",
  "<script>alert(1)</script>",
  "../../etc/passwd",
  "=1+1",
  "x".repeat(201),
  "x".repeat(1501),
  "🖐".repeat(501),
  "x".repeat(10_000),
  "00000000-0000-0000-0000-000000000000",
  "AAAAAAAA-0000-4000-8000-000000000001",
  "2026-02-30T00:00:00Z",
  "2026-01-01T00:00:00",
  "2026-01-01T00:00:00+99:99",
  "2026-11-24T12:00:60Z",
  "2026-11-24T23:59:61Z",
  "2016-12-31t23:59:60z",
  "0000-01-01T00:00:00Z",
  "9999-12-31T23:59:59.9999Z",
  "http://169.254.169.254/",
  "https://[::1]/",
  "https://user:pass@example.com/",
  "javascript:alert(1)",
  "https://example.com:0/",
  "https://xn--/",
];

/** Numbers, and what is written where one should stand. */
const NASTY_NUMBERS: readonly Value[] = [
  ...[0, -1, 1, 0.5, 1.0000000001, 2 ** 31, 2 ** 53, 2 ** 53 + 2, 1e21, 1e308, -1e308, 5e-324],
  ...["-0", "1e400", "-1e400", "1.0", "1E2", "01", "+1", ".5", "1.", "0x10", "NaN", "Infinity"].map(
    (text) => new Raw(text),
  ),
  new Raw("9".repeat(400)),
];

/** Values of every wrong type. */
export const nasty: fc.Arbitrary<Value> = fc.oneof(
  fc.constantFrom<Value>(...NASTY_TEXTS),
  fc.constantFrom<Value>(...NASTY_NUMBERS),
  fc.constantFrom<Value>(
    null,
    true,
    false,
    [],
    {},
    [[]],
    [null],
    { "": "" },
    new Raw("undefined"),
    new Raw("'a'"),
  ),
  fc.string({ unit: "binary", maxLength: 20 }),
  fc.jsonValue({ maxDepth: 2 }) as fc.Arbitrary<Value>,
);

/** So many arrays, one in the other. */
export const nested = (levels: number): Raw => new Raw("[".repeat(levels) + "]".repeat(levels));

/** A place in a value: the names and indices that lead there. */
export type Place = readonly (string | number)[];

/** Every place in a value, the whole of it first. */
export function placesOf(value: Value, at: Place = []): Place[] {
  if (value instanceof Raw || typeof value !== "object" || value === null) return [at];
  return [at, ...Object.entries(value).flatMap(([name, inner]) => placesOf(inner as Value, [...at, name]))];
}

/** The value with something else at a place: `change` gets what is there, and what it is in. */
export function changed(
  value: Value,
  place: Place,
  change: (was: Value) => Value | undefined,
): Value | undefined {
  const [first, ...rest] = place;
  if (first === undefined) return change(value);
  const inner = changed((value as Record<string, Value>)[first] as Value, rest, change);
  if (Array.isArray(value)) {
    return value.flatMap((item, index) =>
      String(index) !== String(first) ? [item] : inner === undefined ? [] : [inner],
    );
  }
  return Object.fromEntries(
    Object.entries(value as Record<string, Value>).flatMap(([name, was]) =>
      name !== first ? [[name, was]] : inner === undefined ? [] : [[name, inner]],
    ),
  );
}
