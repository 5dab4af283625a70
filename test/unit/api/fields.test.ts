import assert from "node:assert/strict";
import * as fc from "fast-check";
import * as z from "zod";
import { CURRENCIES } from "../../../functions/src/api/currencies.ts";
import { externalId, searchText, text } from "../../../functions/src/api/fields.ts";
import { CreateMemberBody } from "../../../functions/src/api/members/schemas.ts";
import { allRoutes } from "../../../functions/src/api/routes.ts";
import { readInput } from "../../../functions/src/http/input.ts";
import type { Route } from "../../../functions/src/http/route.ts";
import { operations, resolve, type Schema } from "../../support/fuzz/document.ts";
import { changed, drawnFrom, type Place, placesOf, type Value } from "../../support/fuzz/values.ts";

const withBody = allRoutes.filter(({ body }) => body !== null);
const documentedBody = ({ operationId }: Route): Schema =>
  operations.find(({ id }) => id === operationId)?.body ?? { type: "object" };

interface Fault {
  path: string;
  message: string;
}

/** What is wrong with a request, for its caller. */
function faultsOf(route: Route, body: string | undefined, query = ""): Fault[] {
  const raw = Buffer.from(body ?? "");
  try {
    readInput(route, { search: query, key: "k", raw });
    return [];
  } catch (error) {
    return (error as { errors?: Fault[] }).errors ?? [];
  }
}

/** UAX 9's explicit and implicit bidirectional controls. */
const BIDI = [..."\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"];

describe("A text field", () => {
  it("refuses every bidirectional control, wherever a body has text", async () => {
    const seen = new Set<string>();
    for (const route of withBody) {
      for (const body of fc.sample(drawnFrom(documentedBody(route)), { numRuns: 30, seed: 17 })) {
        for (const place of placesOf(body).filter((one) => isFreeText(documentedBody(route), one))) {
          const path = place.join(".");
          for (const control of seen.has(`${route.operationId} ${path}`) ? [] : BIDI) {
            const wrong = changed(body, place, () => `Ada${control}x`) as Value;
            const faults = faultsOf(route, JSON.stringify(wrong));
            assert.deepEqual(
              faults.filter((fault) => fault.path === path).map(({ message }) => message.split(" (")[0]),
              path === "external_id"
                ? ["must not contain format characters, which are invisible"]
                : ["must not contain bidirectional control characters"],
              `${route.operationId} ${path}`,
            );
          }
          seen.add(`${route.operationId} ${path}`);
        }
      }
    }
    for (const known of [
      ...["createMember name", "updateMember name", "updateDevice name", "registerDevice name"],
      ...["createProjectApiKey name", "createOrganizationApiKey name", "createWebhook description"],
      ...["scan transaction.reference", "startRegistration model", "nextCommand app_version"],
    ]) {
      assert.ok(seen.has(known), known);
    }
  });

  it("keeps the other format characters, which scripts and emoji need", () => {
    for (const name of [
      "👩‍👩‍👧‍👦",
      "می‌خواهم",
      "🏴\u{e0067}\u{e0062}\u{e0065}\u{e006e}\u{e0067}\u{e007f}",
      "क्‍ष",
      "a\u00adb",
    ]) {
      assert.equal(text(200).parse(name), name);
    }
  });

  it("has in the document the pattern that it is checked by", () => {
    const anything = fc.string({
      unit: fc.oneof(
        fc.constantFrom(...BIDI, "\u200d", "\u0085", "\ud800", " ", "é"),
        fc.string({ unit: "binary", minLength: 1, maxLength: 1 }),
      ),
      maxLength: 8,
    });
    for (const field of [text(5), text(5, { min: 0 }), searchText(5), externalId(5)]) {
      const { pattern, minLength, maxLength } = z.toJSONSchema(field, { io: "input" });
      fc.assert(
        fc.property(anything, (value) => {
          const length = [...value].length;
          const allowed =
            length >= (minLength ?? 0) &&
            length <= (maxLength ?? 0) &&
            new RegExp(pattern ?? "", "u").test(value);
          assert.equal(field.safeParse(value).success, allowed);
        }),
        { numRuns: 500 },
      );
    }
  });
});

/** Whether the schema has free text at a place: a string without a format, an encoding or a list of values. */
function isFreeText(schema: Schema, place: Place): boolean {
  const {
    anyOf,
    properties = {},
    items,
    additionalProperties,
    ...own
  } = resolve(schema) as Schema & { contentEncoding?: string };
  const [first, ...rest] = place;
  if (anyOf && own.type !== "object") return anyOf.some((one) => isFreeText(one, place));
  if (first === undefined)
    return (
      own.type === "string" &&
      !own.format &&
      !own.contentEncoding &&
      !own.enum &&
      (own.pattern ?? "").includes("\\p{")
    );
  const inner =
    typeof first === "number"
      ? items
      : (properties[first] ?? (typeof additionalProperties === "object" ? additionalProperties : undefined));
  if (own.type === "array") return items !== undefined && isFreeText(items, rest);
  return inner !== undefined && isFreeText(inner, rest);
}

describe("An external_id", () => {
  const read = (value: string) => CreateMemberBody.parse({ external_id: value }).external_id;

  // Reported as JuliaLang/julia#5434, for identifiers of another kind.
  it("is read in Unicode's NFC: equal-looking ids are equal", () => {
    assert.equal(read("caf\u0065\u0301"), "caf\u00e9");
    assert.equal(read("\u212b"), "\u00c5");
    assert.equal(read("각"), "\uac01");
  });

  for (const [what, value] of [
    ["a space before it", " a"],
    ["a no-break space behind it", "a\u00a0"],
    ["an ideographic space", "a\u3000"],
    ["a byte order mark", "\ufeffa"],
    ["a zero width space", "a\u200bb"],
    ["a soft hyphen", "a\u00adb"],
    ["a joiner", "a\u200db"],
    ["a right-to-left mark", "a\u200f"],
    ["a tag", "a\u{e0061}"],
  ] as const) {
    it(`refuses ${what}`, () =>
      assert.equal(CreateMemberBody.safeParse({ external_id: value }).success, false));
  }

  it("may have white space inside, and at most 200 characters in NFC too", () => {
    assert.equal(read("a b"), "a b");
    // U+0958 is excluded from composition: it becomes two characters.
    assert.equal(CreateMemberBody.safeParse({ external_id: "\u0958".repeat(101) }).success, false);
    assert.equal([...(read("\u0958".repeat(100)) ?? "")].length, 200);
  });
});

// Reported as im-anishraj/arnio#1452.
describe("A currency", () => {
  const scan = allRoutes.find(({ operationId }) => operationId === "scan") as Route;
  const faults = (currency: unknown) =>
    faultsOf(scan, JSON.stringify({ image: "AAAA", transaction: { amount_minor: 1, currency } }));

  it("is an active code of ISO 4217 that is money", async () => {
    assert.equal(CURRENCIES.length, 155);
    assert.deepEqual([...CURRENCIES], [...new Set(CURRENCIES)].sort());
    // ISO 4217's latest: SLE 2022, VED beside VES 2021, XCG 2025 for ANG, ZWG 2024 for ZWL, and the common ones of regions.
    for (const code of [
      "EUR",
      "USD",
      "SLE",
      "VED",
      "VES",
      "XCG",
      "ZWG",
      "XAF",
      "XOF",
      "XPF",
      "XCD",
      "BYN",
      "MRU",
      "STN",
    ]) {
      assert.deepEqual(await faults(code), [], code);
    }
  });

  for (const [why, codes] of Object.entries({
    "not a code": ["EUT", "EU", "EURO", "eur", "Eur", "978", "", "€", " EUR", "EUR\n"],
    "withdrawn (ISO 4217, table A.3)": [
      "DEM",
      "HRK",
      "BGN",
      "ANG",
      "ZWL",
      "SLL",
      "CUC",
      "VEF",
      "BYR",
      "MRO",
      "STD",
      "LTL",
    ],
    "a fund or unit of account": [
      "CHE",
      "CHW",
      "CLF",
      "COU",
      "BOV",
      "MXV",
      "USN",
      "UYI",
      "UYW",
      "XDR",
      "XUA",
      "XSU",
      "XAD",
      "XBA",
    ],
    "a metal": ["XAU", "XAG", "XPT", "XPD"],
    "for tests, or none": ["XTS", "XXX"],
  })) {
    it(`is not ${codes.join(", ")}: ${why}`, async () => {
      for (const code of codes) {
        const [fault, ...others] = await faults(code);
        assert.deepEqual([fault?.path, others], ["transaction.currency", []], code);
        assert.match(
          fault?.message ?? "",
          /^must be the ISO 4217 code of money in use, in upper case, such as EUR/,
        );
      }
    });
  }

  it("is listed in the OpenAPI document", () => {
    const { currency } = (resolve(documentedBody(scan)).properties?.["transaction"]?.anyOf?.[0]?.properties ??
      {}) as Record<string, Schema>;
    assert.deepEqual(resolve(currency as Schema).enum, CURRENCIES);
  });
});

/** What stands in the place of a value: every type, and each far too small or too large. */
const WRONG: readonly unknown[] = [
  ...[null, true, 7, -1, 0, 1.5, 1e300, "", "x", " ", "\u0000", "\ud800", "\u202e", "x".repeat(20_000)],
  ...[
    [],
    {},
    [[]],
    ["x", "x"],
    Array.from({ length: 200 }, () => "x"),
    { a: 1, "": "", "\u0001": "x", ["k".repeat(50)]: "" },
  ],
  Object.fromEntries(Array.from({ length: 60 }, (_, n) => [`k${n}`, ""])),
];

/** A message states an expectation in the API's own words; those of the validator begin with a capital letter. */
const assertStated = ({ path, message }: Fault, where: string) => {
  assert.match(message, /^[a-z×][^\n]{3,}$/, `${where} ${path}: ${message}`);
  assert.doesNotMatch(
    message,
    /invalid|expected|received|undefined|\bNaN\b/i,
    `${where} ${path}: ${message}`,
  );
};

describe("What is said of a fault", () => {
  for (const route of allRoutes) {
    it(`of ${route.operationId} states what is expected, wherever the fault is`, async () => {
      let count = 0;
      const check = (faults: Fault[]) => {
        for (const fault of faults) assertStated(fault, route.operationId);
        count += faults.length;
      };
      const schema = documentedBody(route);
      const bodies = route.body ? fc.sample(drawnFrom(schema), { numRuns: 12, seed: 17 }) : [];
      for (const body of bodies) {
        for (const place of placesOf(body)) {
          for (const wrong of WRONG)
            check(faultsOf(route, JSON.stringify(changed(body, place, () => wrong as Value))));
          check(faultsOf(route, JSON.stringify(changed(body, place, () => undefined) ?? {})));
        }
      }
      const names = Object.keys((route.query as z.ZodObject | null)?.shape ?? {});
      for (const name of [...names, "unknown"]) {
        for (const wrong of [
          "",
          "x",
          "-1",
          "0",
          "1.5",
          "999999999",
          "2026-02-30T00:00:00Z",
          "\u0000",
          "x".repeat(300),
        ]) {
          check(faultsOf({ ...route, body: null }, undefined, `?${new URLSearchParams({ [name]: wrong })}`));
        }
      }
      check(faultsOf({ ...route, body: null }, undefined, "?unknown=1&unknown=2"));
      assert.ok(count > 0);
    });
  }

  // Reported as yournextstore/yournextstore#17.
  it("of metadata names the key and what it must be", async () => {
    const createMember = allRoutes.find(({ operationId }) => operationId === "createMember") as Route;
    const at = async (metadata: unknown) => faultsOf(createMember, JSON.stringify({ metadata }));
    assert.deepEqual(await at({ floor: 3 }), [{ path: "metadata.floor", message: "must be a string" }]);
    assert.deepEqual(await at({ floor: null }), [{ path: "metadata.floor", message: "must be a string" }]);
    assert.deepEqual(await at({ "": "a" }), [{ path: "metadata.", message: "has a key that is empty" }]);
    assert.deepEqual(await at({ ["k".repeat(41)]: "a" }), [
      { path: `metadata.${"k".repeat(41)}`, message: "has a key that is longer than 40 characters" },
    ]);
    assert.deepEqual(await at("a"), [{ path: "metadata", message: "must be an object" }]);
    assert.deepEqual(await at({ floor: "x".repeat(501) }), [
      { path: "metadata.floor", message: "is longer than 500 characters" },
    ]);
  });
});
