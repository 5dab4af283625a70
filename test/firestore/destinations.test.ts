import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { routes } from "../../functions/src/api/webhooks/routes.ts";
import { createOutboundWith, hostsOf } from "../../functions/src/data/outbound.ts";
import { createApp } from "../../functions/src/http/app.ts";
import type { Route } from "../../functions/src/http/route.ts";
import { type Answer, assertProblem, type Client, createClient } from "../support/client.ts";
import { held } from "../support/contract.ts";
import { newWebhook } from "../support/rows.ts";
import { newTenant, openDeps, type Tenant } from "../support/tenant.ts";

interface Case {
  url: string;
  verdict: "allow" | "deny" | "deny_by_resolution";
  group: string;
}

/** With the placeholders replaced by what this deployment has. */
const CORPUS = JSON.parse(
  readFileSync(new URL("../data/ssrf-corpus.json", import.meta.url), "utf8")
    .replaceAll("REGION-OUR-PROJECT", "europe-west1-our-project")
    .replaceAll("OUR-API-DOMAIN", "palmgate.example"),
) as Case[];

const POLICY = {
  ownHosts: ["palmgate.example", ...hostsOf("our-project")],
  allowLocalhost: false,
  ownPorts: [],
};

/** What DNS says of the names that the corpus refuses by it; of every other name that it is public. */
const ZONE: Record<string, Partial<Record<4 | 6, string[]>>> = {
  "localtest.me": { 4: ["127.0.0.1"] },
  "127.0.0.1.nip.io": { 4: ["127.0.0.1"] },
  "a9fea9fe.nip.io": { 4: ["169.254.169.254"] },
  "make-1.2.3.4-rebind-169.254-169.254-rr.1u.ms": { 4: ["1.2.3.4", "169.254.169.254"] },
  "mixed-a-public-and-private.test.invalid-zone.example": { 4: ["93.184.215.14", "10.0.0.1"] },
  "aaaa-ula-only.example.com": { 6: ["fd00::1"] },
};

describe("A webhook's URL, with another DNS", () => {
  let api: Client;
  let tenant: Tenant;
  let path: string;
  let at: string;

  before(async () => {
    const deps = await openDeps();
    const outbound = createOutboundWith(POLICY, {
      resolve: async (name, family) => (ZONE[name] ?? { 4: ["93.184.215.14"] })[family] ?? [],
      dial: () => assert.fail("a check sends nothing"),
    });
    // There is room for more than 25: what is looked at is where they lead.
    const webhooks = { ...deps.webhooks, slots: async () => [], takeSlot: deps.webhooks.freeSlot };
    const app = createApp(routes as readonly Route[], { ...deps, outbound, webhooks } as never);
    api = held(createClient((request) => app.fetch(request)));
    tenant = await newTenant(deps);
    path = `/v1/project/${tenant.project.id}/webhooks`;
    const webhook = newWebhook(deps, { project_id: tenant.project.id });
    await deps.commit([deps.webhooks.create(webhook)]);
    at = `${path}/${webhook.id}`;
  });

  const headers = { "X-Request-Id": "same" };
  const create = (url: string) =>
    api("POST", path, {
      token: tenant.key,
      body: { url, event_types: ["demo.scan.success"], enabled: false },
      headers,
    });
  const update = (url: string) => api("PATCH", at, { token: tenant.key, body: { url }, headers });

  for (const [group, cases] of Map.groupBy(CORPUS, (each) => each.group)) {
    it(`is judged alike at create and update: ${group}`, async () => {
      for (const { url, verdict } of cases) {
        for (const [answer, status] of [
          [await create(url), 201],
          [await update(url), 200],
        ] as const) {
          if (verdict === "allow") {
            assert.deepEqual([answer.status, answer.body.url], [status, new URL(url).href], answer.text);
          } else assertProblem(answer, 422, "destination_not_allowed");
        }
      }
    });
  }

  it("is refused in the same bytes whatever the reason, at create and update", async () => {
    const refused = CORPUS.filter(({ verdict }) => verdict !== "allow");
    const groups = [...Map.groupBy(refused, ({ group }) => group).values()].map(
      ([first]) => first?.url ?? "",
    );
    assert.ok(groups.length >= 7);
    const answers: Answer[] = [];
    for (const url of [...groups, "", "nonsense", "x".repeat(2048)]) {
      answers.push(await create(url), await update(url));
    }
    assert.deepEqual(
      [...new Set(answers.map(({ text }) => text))],
      [
        JSON.stringify({
          type: "about:blank",
          title: "Destination is not allowed",
          status: 422,
          detail: "Webhooks cannot be sent to this URL.",
          code: "destination_not_allowed",
          request_id: "same",
        }),
      ],
    );
  });

  it("is taken when its name does not resolve, in whatever way: that is looked at again when it is sent to", async () => {
    const deps = await openDeps();
    for (const resolve of [
      async () => [],
      () => Promise.reject(new Error("ENOTFOUND")),
      () => new Promise<never>(() => undefined),
    ]) {
      const outbound = createOutboundWith(POLICY, { resolve, limits: { resolve: 50 } });
      assert.equal(await outbound.check("https://nobody.example.com"), "https://nobody.example.com/");
      const app = createApp(routes as readonly Route[], { ...deps, outbound } as never);
      const answer = await createClient((request) => app.fetch(request))("PATCH", at, {
        token: tenant.key,
        body: { url: "https://nobody.example.com" },
      });
      assert.deepEqual([answer.status, answer.body.url], [200, "https://nobody.example.com/"]);
    }
  });
});
