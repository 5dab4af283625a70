import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, type Server } from "node:http";
import * as z from "zod";
import type { Listing, Position } from "../../../functions/src/domain/list.ts";
import { createApp, toListener } from "../../../functions/src/http/app.ts";
import { asksForPage, pageQuery, pageShape, readPage } from "../../../functions/src/http/page.ts";
import { defineRoute } from "../../../functions/src/http/route.ts";
import { streamArray } from "../../../functions/src/http/stream.ts";
import { type Client, createClient } from "../../support/client.ts";
import { testSurroundings } from "../../support/surroundings.ts";

type Item = Position & { n: number };

/** A list of `size` items, newest first, ten of each moment, in memory; remembers what was asked of it. */
function newList(size: number) {
  const itemAt = (n: number): Item => ({
    n,
    created_at: new Date(1_800_000_000_000 - Math.floor(n / 10)),
    id: `00000000-0000-4000-8000-${String(n).padStart(12, "0")}`,
  });
  const state = { fails: Infinity, taken: 0, stopped: false, together: 10 };
  const listing: Listing<Item> = {
    async slice({ after, offset = 0, limit }) {
      const from = after ? Number(after.id.slice(-12)) + 1 : offset;
      return Array.from({ length: Math.max(0, Math.min(limit, size - from)) }, (_, i) => itemAt(from + i));
    },
    count: async () => size,
    async *stream() {
      try {
        for (let n = 0; n < size; n += state.together) {
          if (n >= state.fails) throw new Error("the store died");
          const batch = Array.from({ length: Math.min(state.together, size - n) }, (_, i) => itemAt(n + i));
          state.taken += batch.length;
          yield batch;
        }
      } finally {
        state.stopped = true;
      }
    },
  };
  return { listing, state };
}

const Shape = z.strictObject({ n: z.int() });
const toWire = ({ n }: Item) => ({ n });

function appOf(listing: Listing<Item>) {
  const list = defineRoute({
    method: "GET",
    path: "/v1/items",
    operationId: "listItems",
    fn: "items",
    summary: "List items",
    description: "All of them.",
    auth: "public",
    scope: "public",
    query: z.strictObject(pageQuery(1000)),
    response: z.union([z.array(Shape), pageShape(Shape)]),
    errors: [],
    handle: async (_ctx, { query }) =>
      asksForPage(query) ? readPage(listing, query, toWire) : streamArray(Shape, listing.stream(), toWire),
  });
  const ctx = testSurroundings();
  // biome-ignore lint/suspicious/noExplicitAny: a public route needs no port
  return { app: createApp([list], ctx as any), ctx };
}

describe("A list", () => {
  let api: Client;
  const get = async (query: string) => (await api("GET", `/v1/items${query}`)).body;

  before(() => {
    const { app } = appOf(newList(95).listing);
    api = createClient((request) => app.fetch(request));
  });

  it("is an array when no page is asked for", async () => {
    const all = await get("");
    assert.deepEqual(
      all,
      Array.from({ length: 95 }, (_, n) => ({ n })),
    );
  });

  it("is an empty array when there is nothing", async () => {
    const { app } = appOf(newList(0).listing);
    const answer = await createClient((request) => app.fetch(request))("GET", "/v1/items");
    assert.equal(answer.text, "[]");
  });

  it("comes page by page, each item once, and ends with an empty page", async () => {
    const pages = await Promise.all([1, 2, 3, 4, 5].map((page) => get(`?page=${page}&per_page=30`)));
    assert.deepEqual(
      pages.map(({ items, ...rest }) => ({
        ...rest,
        size: items.length,
        next_cursor: rest.next_cursor !== null,
      })),
      [1, 2, 3, 4, 5].map((page) => ({
        page,
        per_page: 30,
        total_count: 95,
        size: [30, 30, 30, 5, 0][page - 1],
        next_cursor: page < 4,
      })),
    );
    assert.deepEqual(
      pages.flatMap(({ items }) => items.map(({ n }: { n: number }) => n)),
      Array.from({ length: 95 }, (_, n) => n),
    );
  });

  it("comes by cursor, from any page on, each item once, equal times included", async () => {
    const seen: number[] = [];
    let page = await get("?per_page=10");
    assert.equal(page.total_count, 95);
    for (;;) {
      seen.push(...page.items.map(({ n }: { n: number }) => n));
      if (page.next_cursor === null) break;
      page = await get(`?per_page=17&cursor=${page.next_cursor}`);
      assert.deepEqual([page.page, page.total_count, page.per_page], [null, null, 17]);
    }
    assert.deepEqual(
      seen,
      Array.from({ length: 95 }, (_, n) => n),
    );
  });

  it("gives 50 a page unless told", async () => {
    assert.equal((await get("?page=1")).per_page, 50);
    const { next_cursor } = await get("?page=1");
    assert.equal((await get(`?cursor=${next_cursor}`)).items.length, 45);
  });

  for (const [query, where] of [
    ["?page=0", "page"],
    ["?page=-1", "page"],
    ["?page=1.5", "page"],
    ["?page=01", "page"],
    ["?page=1e3", "page"],
    ["?page=", "page"],
    ["?page=1&page=2", "page"],
    ["?per_page=9", "per_page"],
    ["?per_page=1001", "per_page"],
    ["?per_page=ten", "per_page"],
    ["?page=101&per_page=1000", "page"],
    ["?page=999999999", "page"],
    ["?cursor=x", "cursor"],
    [`?cursor=${Buffer.from("1.x").toString("base64url")}`, "cursor"],
    [`?cursor=${Buffer.from(`1.${"0".repeat(36)} `).toString("base64url")}`, "cursor"],
    [`?cursor=${Buffer.from(`253402300800000.${"0".repeat(36)}`).toString("base64url")}`, "cursor"],
    ["?sort=name", "sort"],
  ] as const) {
    it(`refuses ${query} at ${where}`, async () => {
      const answer = await api("GET", `/v1/items${query}`);
      assert.equal(answer.status, 400);
      assert.deepEqual(
        [...new Set(answer.body.errors.map(({ path }: { path: string }) => path))],
        [where],
        answer.text,
      );
    });
  }

  it("refuses cursor with page, and names cursor where pages are too deep", async () => {
    const { next_cursor } = await get("?per_page=10");
    const both = await api("GET", `/v1/items?page=2&cursor=${next_cursor}`);
    assert.equal(both.body.errors[0].path, "page");
    for (const query of ["page=2001&per_page=50", "page=101&per_page=1000", "page=999999999"]) {
      const deep = await api("GET", `/v1/items?${query}`);
      assert.match(deep.body.errors[0].message, /cursor/);
    }
    assert.equal((await get("?page=2000&per_page=50")).items.length, 0);
  });

  it("answers an error like any other when the first item cannot be read", async () => {
    const { listing, state } = newList(5);
    state.fails = 0;
    const { app } = appOf(listing);
    const answer = await createClient((request) => app.fetch(request))("GET", "/v1/items");
    assert.deepEqual([answer.status, answer.body.code], [500, "internal"]);
  });

  it("is not read for HEAD, which answers like GET without a body", async () => {
    const { listing, state } = newList(100_000);
    const { app } = appOf(listing);
    const answer = await app.fetch(new Request("http://x/v1/items", { method: "HEAD" }));
    assert.deepEqual([answer.status, answer.body], [200, null]);
    assert.ok(state.taken <= state.together);
  });

  describe("over a connection", () => {
    let server: Server;
    afterEach(() => server.close());

    const listen = async (listing: Listing<Item>) => {
      const { app, ctx } = appOf(listing);
      const listener = toListener(app, ctx);
      server = createServer((request, response) => void listener(request, response));
      server.listen(0, "127.0.0.1");
      await once(server, "listening");
      const address = server.address();
      return { url: `http://127.0.0.1:${typeof address === "object" ? address?.port : 0}/v1/items`, ctx };
    };

    it("is cut, and not ended, when reading fails in the middle", async () => {
      const { listing, state } = newList(50_000);
      state.fails = 20_000;
      const { url, ctx } = await listen(listing);
      const response = await fetch(url);
      assert.equal(response.status, 200);
      let text = "";
      await assert.rejects(async () => {
        for await (const chunk of response.body ?? []) text += new TextDecoder().decode(chunk);
      });
      assert.ok(
        text.startsWith('[{"n":0}') && !text.endsWith("]") && !text.includes("died"),
        text.slice(-60),
      );
      assert.match(ctx.logged.join("\n"), /^error stream failed .*the store died/);
    });

    it("stops reading when an item cannot be written", async () => {
      const { listing, state } = newList(5_000_000);
      const { url } = await listen({
        ...listing,
        async *stream() {
          for await (const batch of listing.stream())
            yield batch.map((item) => ({ ...item, n: item.n / 20 }));
        },
      });
      const response = await fetch(url).catch(() => undefined);
      await assert.rejects(async () => response?.text() ?? assert.fail());
      for (let tries = 0; tries < 100 && !state.stopped; tries++)
        await new Promise((ok) => setTimeout(ok, 20));
      assert.ok(state.stopped);
    });

    it("stops reading when the client goes away", async () => {
      const { listing, state } = newList(5_000_000);
      const { url } = await listen(listing);
      const controller = new AbortController();
      const response = await fetch(url, { signal: controller.signal });
      await response.body?.getReader().read();
      controller.abort();
      for (let tries = 0; tries < 100 && !state.stopped; tries++)
        await new Promise((ok) => setTimeout(ok, 20));
      assert.ok(state.stopped);
      assert.ok(state.taken < 5_000_000, "it read no further than somebody listened");
    });
  });
});
