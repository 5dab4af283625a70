import { randomUUID } from "node:crypto";
import {
  type AllDeps,
  type Example,
  newMember,
  newPlace,
  newPlaces,
  newTerminal,
  type Place,
  type Places,
} from "../../../bench/cost/requests.ts";
import { allRoutes } from "../../../functions/src/api/routes.ts";
import { createBudgets } from "../../../functions/src/data/budgets.ts";
import { Limiter } from "../../../functions/src/domain/budget/limiter.ts";
import { policiesOf } from "../../../functions/src/domain/budget/policies.ts";
import { newKey } from "../../../functions/src/domain/credential/key.ts";
import { destroyKey } from "../../../functions/src/domain/environment/destroyKey.ts";
import { Checks } from "../../../functions/src/domain/health/checkHealth.ts";
import { Guesses } from "../../../functions/src/domain/registration/guesses.ts";
import { createApp } from "../../../functions/src/http/app.ts";
import type { Credential, Route } from "../../../functions/src/http/route.ts";
import { db } from "../firestore.ts";
import { POLICIES } from "../limits.ts";
import { encodePng, syntheticPalm } from "../palms.ts";
import { examplesOf, type Prepared, prepare } from "../requests.ts";
import { newDeviceWithKey, newSession } from "../rows.ts";
import { type Deps, newApiKey } from "../tenant.ts";
import { LIMITED_TO } from "./cases.ts";
import type { Operation } from "./document.ts";

/** An application in this process. */
export type App = (request: Request) => Response | Promise<Response>;

/** Where it happens: a customer whose requests are made wrong, another one that must not be seen, and some states. */
export interface World {
  places: Places;
  /** With limits that nobody reaches, and with limits that the second request of anybody does. */
  app: App;
  tight: App;
  own: Place;
  foreign: Place;
  /** A customer of `tight`. */
  poor: Place;
  /** By the code that is answered there. */
  states: Record<string, Place>;
  /** What is sent for a credential, and is none or no longer. */
  dead: Record<string, string>;
  /** What the service has logged as an error. */
  errors: string[];
}

/** On a machine that is kept busy real checks end too late; what they find is tested elsewhere. */
const HEALTHY = new Checks([{ name: "fuzz", critical: true, run: async () => undefined }], () =>
  performance.now(),
);

/** The limits of everybody. */
const all = (limit: number) =>
  policiesOf(
    Object.fromEntries(Object.keys(POLICIES).map((name) => [name, limit])) as Parameters<
      typeof policiesOf
    >[0],
  );

/** Makes it, on the emulators. */
export async function newWorld(ports: Deps): Promise<World> {
  // As many devices as a run registers; the scene that meets the limit says that it is reached.
  const deviceLimits = { ...ports.deviceLimits, business: 100_000 };
  const deps: AllDeps = { ...ports, deviceLimits, checks: HEALTHY };
  const errors: string[] = [];
  const log: AllDeps["log"] = {
    warn: () => undefined,
    error: (message, facts) => errors.push(`${message}: ${JSON.stringify(facts)}`),
  };
  const appOf = (limit: number): App => {
    const ctx = { ...deps, log, policies: all(limit) };
    const budgets = createBudgets(db());
    const limits = { limiter: new Limiter({ ...ctx, budgets }), guesses: new Guesses({ ...ctx, budgets }) };
    const app = createApp(allRoutes, { ...ctx, ...limits });
    return (request) => app.fetch(request);
  };
  const places = await newPlaces(deps);
  const own = places.busy;
  const { key: revoked } = await newApiKey(deps, {
    organization_id: own.organization.id,
    project_ids: null,
    revoked_at: new Date(),
  });
  const { key: elsewhere } = await newApiKey(deps, {
    organization_id: own.organization.id,
    project_ids: [randomUUID()],
  });
  const organization_id = own.organization.id;
  const { key: expired } = await newApiKey(deps, {
    organization_id,
    project_ids: null,
    expires_at: new Date(),
  });
  const { key: limited } = await newApiKey(deps, {
    ...{ organization_id, project_ids: null },
    permissions: [LIMITED_TO],
  });
  return {
    places,
    app: appOf(1_000_000),
    tight: appOf(1),
    own,
    foreign: (await newPlaces(deps, [])).busy,
    poor: await newPlace(deps, { organization: { plan: "sandbox" } }),
    states: await newStates(deps, places),
    dead: {
      ...malformed(own),
      revoked: `Bearer ${revoked}`,
      expired: `Bearer ${expired}`,
      elsewhere: `Bearer ${elsewhere}`,
      limited: `Bearer ${limited}`,
    },
    errors,
  };
}

/** Nothing of this is a credential. */
function malformed({ key, deviceKey }: Place): Record<string, string> {
  return {
    empty: "",
    scheme: `Basic ${key}`,
    bare: key,
    nothing: "Bearer",
    two: `Bearer ${key} ${key}`,
    cut: `Bearer ${key.slice(0, -1)}`,
    flipped: `Bearer ${key.slice(0, -1)}${key.endsWith("0") ? "1" : "0"}`,
    renamed: `Bearer ${deviceKey.replace("pd_", "pg_")}`,
    unknown: `Bearer ${newKey("pg", randomUUID()).key}`,
    unknownDevice: `Bearer ${newKey("pd", randomUUID()).key}`,
    unknownClaim: `Bearer ${newKey("pt", randomUUID()).key}`,
    dots: "Bearer a.b.c",
    long: `Bearer ${"x".repeat(8000)}`,
    latin: "Bearer ÿþ",
  };
}

/** A place in each state that is refused. */
async function newStates(deps: AllDeps, { newSeed }: Places): Promise<Record<string, Place>> {
  const withMember = async (place: Place): Promise<Place> => {
    const { id: member_id } = await newMember({ deps, busy: place, full: place, newSeed });
    return { ...place, ids: { ...place.ids, member_id, palm_id: randomUUID(), session_id: randomUUID() } };
  };
  const disabled = await newPlace(deps);
  const device_id = randomUUID();
  const project_id = disabled.project.id;
  const session = newSession({ device_id, project_id });
  const device = newDeviceWithKey({ id: device_id, project_id, enabled: false, session });
  await deps.commit([deps.devices.create(device.device)]);
  const destroyed = await withMember(await newPlace(deps));
  await destroyKey(deps, { environment_id: destroyed.environment.id, confirmed: true });
  return {
    environment_not_tenant_managed: await withMember(
      await newPlace(deps, { project: { environment_id: null } }),
    ),
    server_lookup_disabled: await withMember(
      await newPlace(deps, { project: { server_lookup_enabled: false } }),
    ),
    project_not_sandbox: await newPlace(deps, { project: { sandbox: false } }),
    device_disabled: {
      ...(await withMember(disabled)),
      ids: { ...disabled.ids, device_id, session_id: session.id },
      deviceKey: device.key,
    },
    expired: destroyed,
  };
}

/** Operations that change nothing that another request would miss: their example is made once. */
const LOOKS_ONLY = new Set(["identify", "verifyPalm", "scan"]);

/** Made anew for each project, where the bench asks for one that is full soon, or changed by others. */
const OTHERWISE: Record<string, readonly Example[]> = {
  createWebhook: examplesWith("createWebhook", async (places) => ({ project_id: await newProject(places) })),
  updateDevice: examplesWith("updateDevice", async (places) => ({
    device_id: (await newTerminal(places)).id,
  })),
  deleteMember: [{ send: async (places) => ({ ids: { member_id: (await newMember(places)).id } }) }],
  // A terminal of its own: the next session of the same one would end this one.
  submitSample: [
    {
      async send(places) {
        const { id: member_id } = await newMember(places);
        const { key: token, session } = await newTerminal(places, { member_id, samples_required: 2 });
        const image = encodePng(syntheticPalm({ seed: places.newSeed() }));
        const body = { sample_id: randomUUID(), image: Buffer.from(image).toString("base64") };
        return { token, ids: { session_id: session?.id ?? "" }, body };
      },
    },
  ],
  // Of a webhook of its own.
  updateWebhook: examplesOf(routeOf("updateWebhook")).slice(1),
  // The other one's range fits days alone.
  scanSummary: examplesOf(routeOf("scanSummary")).slice(0, 1),
  // The other examples wait for a second.
  pollEnrollment: examplesOf(routeOf("pollEnrollment")).slice(0, 1),
  nextCommand: examplesOf(routeOf("nextCommand")).slice(0, 1),
};

function examplesWith(
  operationId: string,
  idsOf: (places: Places) => Promise<Record<string, string>>,
): readonly Example[] {
  return examplesOf(routeOf(operationId)).map((example) => ({
    ...example,
    async send(places) {
      return { ...(await example.send?.(places)), ids: await idsOf(places) };
    },
  }));
}

async function newProject({ deps, busy }: Places): Promise<string> {
  const id = randomUUID();
  await deps.commit([deps.projects.create({ ...busy.project, id })]);
  return id;
}

function routeOf(operationId: string): Route {
  const route = allRoutes.find((one) => one.operationId === operationId);
  if (!route) throw new Error(`openapi.json has an operation that no route has: ${operationId}`);
  return route;
}

/** Makes requests that are right, by the examples of the cost bench, each of what is there for it. */
export class Requests {
  readonly #places: Places;
  readonly #kept = new Map<string, Promise<Prepared>>();

  constructor({ places }: World) {
    this.#places = places;
  }

  /** A right request. `fresh`: of things that no other request has used, where it might use them up. */
  async of(
    operation: Operation,
    {
      example: number,
      credential,
      fresh,
    }: { example: number; credential: Credential | "none"; fresh: boolean },
  ): Promise<Prepared> {
    const route = routeOf(operation.id);
    const examples = OTHERWISE[operation.id] ?? examplesOf(route);
    const example = examples[number % examples.length] as Example;
    const make = () => prepare(this.#places, route, example, credential);
    if (fresh && operation.method !== "GET" && !LOOKS_ONLY.has(operation.id)) return make();
    const name = `${operation.id} ${examples.indexOf(example)} ${credential}`;
    const kept = this.#kept.get(name) ?? make();
    this.#kept.set(name, kept);
    return kept;
  }
}
