import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { baseUrl } from "../support/suite.ts";

interface Header {
  key: string;
  value: string;
}

const { hosting } = JSON.parse(readFileSync(new URL("../../firebase.json", import.meta.url), "utf8")) as {
  hosting: { headers: { headers: Header[] }[] };
};
const policy = hosting.headers.flatMap(({ headers }) => headers);

/** Which of our headers an answer has. */
async function headersOf(path: string): Promise<[status: number, headers: Header[]]> {
  const answer = await fetch(`${baseUrl()}${path}`);
  await answer.arrayBuffer();
  return [answer.status, policy.filter(({ key, value }) => answer.headers.get(key) === value)];
}

describe("The pages of Hosting", () => {
  for (const path of ["/", "/docs", "/docs/viewer/swagger-ui-bundle.js", "/site.css", "/mark.svg"]) {
    it(`are served with every header of firebase.json: ${path}`, async () => {
      assert.deepEqual(await headersOf(path), [200, policy]);
    });
  }

  it("say so with the same headers where there is nothing", async () => {
    assert.deepEqual(await headersOf("/nowhere/at/all"), [404, policy]);
  });

  for (const [path, status] of [
    ["/v1/health/live", 200],
    ["/v1/nowhere", 404],
  ] as const) {
    it(`leave the API's answers as they are: ${path}`, async () => {
      // The API sends these itself, on every answer.
      const own = policy.filter(({ key }) =>
        ["X-Content-Type-Options", "Strict-Transport-Security"].includes(key),
      );
      assert.deepEqual(await headersOf(path), [status, own]);
    });
  }
});
