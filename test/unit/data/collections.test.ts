import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";

const adapters = new URL("../../../functions/src/data/", import.meta.url);
const page = readFileSync(new URL("../../../docs/data.md", import.meta.url), "utf8");

/** Every collection that an adapter names. */
const named = new Set(
  readdirSync(adapters).flatMap((file) =>
    [...readFileSync(new URL(file, adapters), "utf8").matchAll(/\.collection\(\s*"(\w+)"\s*,?\s*\)/g)].map(
      ([, name]) => name as string,
    ),
  ),
);

/** The first cells of docs/data.md's tables: `projects/{project}/members/{member}` is of `members`. */
const documented = new Set(
  [...page.matchAll(/^\| `([^`]+)`/gm)]
    .map(([, path]) => (path as string).split("/").filter((part) => /^\w+$/.test(part) && part !== "current"))
    .map((parts) => parts.at(-1) as string),
);

describe("docs/data.md", () => {
  it("finds the adapters' collections", () => assert.ok(named.size >= 10));

  for (const name of named) {
    it(`has a row for ${name}`, () => assert.ok(documented.has(name)));
  }

  it("has no row for a collection that no adapter names", () => {
    assert.deepEqual(
      [...documented].filter((name) => !named.has(name)),
      [],
    );
  });
});
