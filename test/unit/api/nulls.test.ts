import assert from "node:assert/strict";
import * as fc from "fast-check";
import { allRoutes } from "../../../functions/src/api/routes.ts";
import { readInput } from "../../../functions/src/http/input.ts";
import type { Route } from "../../../functions/src/http/route.ts";
import { operations, resolve, type Schema } from "../../support/fuzz/document.ts";
import { faultsOf } from "../../support/fuzz/oracle.ts";
import { changed, drawnFrom, type Place, type Value } from "../../support/fuzz/values.ts";

/** Every field of the value's objects that the schema lets be absent, present in the value or not. */
function optionalPlaces(schema: Schema, value: unknown, at: Place = []): Place[] {
  const { type, properties = {}, required = [], items, anyOf = [] } = resolve(schema);
  if (anyOf.length > 0 && type === undefined) {
    return anyOf.flatMap((one) => optionalPlaces(one, value, at));
  }
  if (Array.isArray(value)) {
    return items ? value.flatMap((item, index) => optionalPlaces(items, item, [...at, index])) : [];
  }
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(properties).flatMap(([name, field]) => [
    ...(required.includes(name) ? [] : [[...at, name]]),
    ...optionalPlaces(field, (value as Record<string, unknown>)[name], [...at, name]),
  ]);
}

/** The value with a field set at a place, whether or not it is there. */
function withField(value: Value, place: Place, field: Value | undefined): Value {
  const name = place.at(-1) as string;
  return changed(value, place.slice(0, -1), (was) => {
    const { [name]: _, ...others } = was as Record<string, Value>;
    return field === undefined ? others : { ...others, [name]: field };
  }) as Value;
}

/** The input as the pipeline reads it, or what it answers instead. */
function read(route: Route, body: Value): unknown {
  const raw = Buffer.from(JSON.stringify(body));
  try {
    return { body: readInput(route, { search: "", key: "k", raw }).body };
  } catch (error) {
    const { code, errors } = error as { code?: unknown; errors?: unknown };
    return { code, errors };
  }
}

const posts = allRoutes.filter(({ method }) => method === "POST");
const bodyOf = ({ operationId }: Route) => operations.find(({ id }) => id === operationId)?.body;

// Reported as usesend/useSend#132 and hydrusnetwork/hydrus#922.
describe("A body of a POST", () => {
  for (const route of posts) {
    const documented = bodyOf(route);
    assert.ok(documented && route.body, route.operationId);
    const places = (value: Value) => optionalPlaces(documented, value);

    it(`of ${route.operationId} reads null for an optional field as its absence`, async () => {
      await fc.assert(
        fc.asyncProperty(drawnFrom(documented), async (drawn) => {
          for (const place of places(drawn)) {
            const absent = withField(drawn, place, undefined);
            const cleared = withField(drawn, place, null);
            assert.deepEqual(read(route, cleared), read(route, absent), place.join("."));
          }
        }),
        { numRuns: 25, seed: 17 },
      );
    });

    it(`of ${route.operationId} allows null for an optional field in the OpenAPI document`, () => {
      fc.assert(
        fc.property(drawnFrom(documented), (drawn) => {
          assert.equal(faultsOf(documented, drawn), "");
          for (const place of places(drawn)) {
            const absent = faultsOf(documented, withField(drawn, place, undefined));
            const cleared = faultsOf(documented, withField(drawn, place, null));
            assert.equal(cleared === "", absent === "", `${place.join(".")}: ${cleared} or ${absent}`);
          }
        }),
        { numRuns: 25, seed: 17 },
      );
    });
  }

  it("has an optional field on most operations, nested objects included", () => {
    const names = posts.flatMap((route) => {
      const schema = bodyOf(route) as Schema;
      return fc
        .sample(drawnFrom(schema), { numRuns: 30, seed: 17 })
        .flatMap((one) => optionalPlaces(schema, one))
        .map((place) => `${route.operationId}.${place.join(".")}`);
    });
    for (const known of [
      "createMember.metadata",
      "scan.transaction.reference",
      "enrollPalm.samples.0.hand",
    ]) {
      assert.ok(names.includes(known), known);
    }
  });

  it("does not take null for a required field, an entry of a map, or the whole", async () => {
    const routeOf = (id: string) => posts.find(({ operationId }) => operationId === id) as Route;
    for (const [id, body, path] of [
      ["createWebhook", { url: null, event_types: ["demo.scan.success"] }, "url"],
      ["createMember", { metadata: { floor: null } }, "metadata.floor"],
      ["createMember", null, ""],
      [
        "scan",
        { image: "AAAA", transaction: { amount_minor: null, currency: "EUR" } },
        "transaction.amount_minor",
      ],
    ] as [string, Value, string][]) {
      const { errors } = read(routeOf(id), body) as { errors: { path: string }[] };
      assert.deepEqual([...new Set(errors.map((error) => error.path))], [path], id);
    }
  });
});

describe("A body of a PATCH", () => {
  it("keeps null, which clears a field", async () => {
    for (const id of ["updateMember", "updateMemberPut"]) {
      const route = allRoutes.find(({ operationId }) => operationId === id) as Route;
      assert.deepEqual(read(route, { name: null, metadata: null }), {
        body: { name: null, metadata: null },
      });
    }
  });

  it("refuses null for a field that cannot be cleared", async () => {
    const route = allRoutes.find(({ operationId }) => operationId === "updateDevice") as Route;
    const { errors } = read(route, { name: null }) as { errors: { path: string }[] };
    assert.deepEqual(
      errors.map(({ path }) => path),
      ["name"],
    );
  });
});
