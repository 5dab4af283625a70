import { randomUUID } from "node:crypto";
import { allRoutes } from "../../functions/src/api/routes.ts";
import { createBudgets } from "../../functions/src/data/budgets.ts";
import { Limiter } from "../../functions/src/domain/budget/limiter.ts";
import type { Policies } from "../../functions/src/domain/budget/policies.ts";
import type { Organization } from "../../functions/src/domain/organization/organization.ts";
import { createApp } from "../../functions/src/http/app.ts";
import type { Route } from "../../functions/src/http/route.ts";
import { type Call, createClient } from "../../test/support/client.ts";
import { db } from "../../test/support/firestore.ts";
import { POLICIES, UNLIMITED } from "../../test/support/limits.ts";
import { encodePng, syntheticPalm } from "../../test/support/palms.ts";
import { newDeviceWithKey } from "../../test/support/rows.ts";
import { newApiKey, newTenant } from "../../test/support/tenant.ts";
import { summary } from "./measure.ts";
import { installMeter, Meter } from "./meter.ts";
import type { Bill } from "./procedures.ts";
import type { AllDeps } from "./requests.ts";

/** What a guard rail adds to a request of an API key, beside the same request without any. */
export interface Guard {
  rail: keyof typeof LIMITS;
  what: string;
  more: Bill & { rounds: number };
}

/** How many rounds each may add. */
const LIMITS = { limit: 2, idempotency: 1, audit: 0 };

type Total = Guard["more"];

/** A route without guard rails. */
const bare = (route: Route): Route => ({ ...route, idempotent: false, audits: null });

/** Measures each guard rail by itself. */
export async function measureGuards(deps: AllDeps): Promise<Guard[]> {
  installMeter();
  return [...(await limits(deps)), ...(await onceAndAudit(deps))];
}

/** Which add more rounds than they may. */
export function brokenGuards(guards: readonly Guard[]): string[] {
  return guards.flatMap(({ rail, what, more: { rounds } }) =>
    rounds > LIMITS[rail] ? [`${rail}, ${what}: it adds ${rounds} rounds, ${LIMITS[rail]} at most`] : [],
  );
}

async function limits(deps: AllDeps): Promise<Guard[]> {
  const guards: Guard[] = [];
  let now = deps.now();
  // It is the same moment until a row says otherwise, and however slow this machine is, the store is in time.
  // An instance chooses a shard by chance, and has to read it unless it is the first one.
  const surroundings = {
    ...deps,
    now: () => now,
    random: () => 0,
    sleep: (ms: number) => deps.sleep(100 * ms),
  };
  const newLimiter = () => new Limiter({ ...surroundings, budgets: createBudgets(db()) });
  const at = async (plan: Organization["plan"]) => {
    const { key, project } = await newPlace(deps, plan);
    const path = `/v1/projects/${project.id}`;
    const ask = (limiter: AllDeps["limiter"]) =>
      measured({ ...deps, limiter, policies: POLICIES }, allRoutes, "GET", path, { token: key });
    const without = await ask(UNLIMITED);
    return {
      ask,
      measure: async (what: string, limiter: Limiter) => {
        guards.push({
          rail: "limit",
          what: `${plan}, ${what}`,
          more: difference(await ask(limiter), without),
        });
      },
    };
  };

  const [one, other] = [newLimiter(), newLimiter()];
  const business = await at("business");
  await business.measure("an instance's first request in a while", one);
  await business.measure("its next one", one);
  for (const limiter of [other, one, other]) await business.ask(limiter);
  await business.measure("the next one where other instances serve it, too", one);

  const sandbox = await at("sandbox");
  for (let tokens = POLICIES.sandbox.limit; tokens > 0; tokens--) await sandbox.ask(one);
  await sandbox.measure("a refusal", one);

  const enterprise = await at("enterprise");
  await enterprise.measure("an instance's first request in a while", one);
  // The first crowd tells the plan, the second one that tokens are worth taking ahead.
  for (let n = 0; n < 2; n++) await Promise.all(Array.from({ length: 10 }, () => enterprise.ask(other)));
  await enterprise.measure("one within a lease", other);
  now = new Date(now.getTime() + POLICIES.enterprise.lease_ms);
  await enterprise.measure("the first one after a lease", other);
  return [...guards, ...(await scanLimits(deps, one))];
}

/** A scan takes a token of the terminal, and one of its organization. */
async function scanLimits(deps: AllDeps, limiter: Limiter): Promise<Guard[]> {
  const { project, environment } = await newPlace(deps, "business");
  const { device, key: token } = newDeviceWithKey({ project_id: project.id });
  await deps.commit([deps.devices.create(device)]);
  await deps.galleries.follow(environment).synced;
  const image = Buffer.from(encodePng(syntheticPalm({ seed: 1 }))).toString("base64");
  const ask = (by: AllDeps["limiter"]) =>
    measured({ ...deps, limiter: by, policies: POLICIES }, allRoutes, "POST", "/v1/terminal/scans", {
      ...{ token, body: { image } },
    });
  const without = await ask(UNLIMITED);
  const guards: Guard[] = [];
  for (const what of ["a terminal's first scan in a while", "its next one"]) {
    guards.push({ rail: "limit", what: `business, ${what}`, more: difference(await ask(limiter), without) });
  }
  return guards;
}

async function onceAndAudit(deps: AllDeps): Promise<Guard[]> {
  const { key: token, project } = await newPlace(deps, "business");
  const ask = (change: (route: Route) => Route, headers: Call["headers"] = {}) =>
    measured(
      { ...deps, limiter: UNLIMITED },
      allRoutes.map(change),
      "POST",
      `/v1/project/${project.id}/members`,
      {
        ...{ token, headers, body: { name: "Ada" } },
      },
    );
  const without = await ask(bare);
  const repeatable = (route: Route): Route => ({ ...route, audits: null });
  const headers = { "Idempotency-Key": randomUUID() };
  const more = (total: Total) => difference(total, without);
  return [
    { rail: "idempotency", what: "createMember, no `Idempotency-Key`", more: more(await ask(repeatable)) },
    { rail: "idempotency", what: "with one, the first time", more: more(await ask(repeatable, headers)) },
    { rail: "idempotency", what: "with one, again", more: more(await ask(repeatable, headers)) },
    {
      rail: "audit",
      what: "createMember, its entry",
      more: more(await ask((route) => ({ ...route, idempotent: false }))),
    },
  ];
}

/** A tenant whose key was used this minute. */
async function newPlace(deps: AllDeps, plan: Organization["plan"]) {
  const tenant = await newTenant(deps, { organization: { plan } });
  const organization_id = tenant.organization.id;
  const { key } = await newApiKey(deps, { organization_id, project_ids: null, last_used_at: deps.now() });
  return { ...tenant, key };
}

/** What one request costs. */
async function measured(
  ctx: AllDeps & { policies: Policies },
  routes: readonly Route[],
  method: string,
  path: string,
  call: Call,
): Promise<Total> {
  const app = createApp(routes, ctx);
  const client = createClient((request) => app.fetch(request));
  const meter = new Meter();
  await meter.run(() => client(method, path, call));
  return summary(meter.operations);
}

const difference = (total: Total, without: Total): Total => ({
  reads: total.reads - without.reads,
  writes: total.writes - without.writes,
  deletes: total.deletes - without.deletes,
  classA: total.classA - without.classA,
  classB: total.classB - without.classB,
  rounds: total.rounds - without.rounds,
});
