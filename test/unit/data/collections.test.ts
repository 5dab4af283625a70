import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { COLLECTIONS } from "../../support/stores.ts";

const page = readFileSync(new URL("../../../docs/data.md", import.meta.url), "utf8");

/** The first cells of docs/data.md's tables: `projects/{project}/members/{member}` is of `members`. */
const documented = new Set(
  [...page.matchAll(/^\| `([^`]+)`/gm)]
    .map(([, path]) =>
      (path as string)
        .split("/")
        .filter((part) => /^\w+$/.test(part) && !["current", "calibration"].includes(part)),
    )
    .map((parts) => parts.at(-1) as string),
);

describe("docs/data.md", () => {
  it("finds the adapters' collections", () => assert.ok(COLLECTIONS.length >= 10));

  for (const name of COLLECTIONS) {
    it(`has a row for ${name}`, () => assert.ok(documented.has(name)));
  }

  it("has no row for a collection that no adapter names", () => {
    assert.deepEqual(
      [...documented].filter((name) => !COLLECTIONS.includes(name)),
      [],
    );
  });
});
