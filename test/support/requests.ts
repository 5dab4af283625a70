import { type AllDeps, EXAMPLES, type Example, type Places } from "../../bench/cost/requests.ts";
import { createApp } from "../../functions/src/http/app.ts";
import type { Credential, Route } from "../../functions/src/http/route.ts";
import { type Answer, type Call, type Client, createClient } from "./client.ts";
import { held } from "./contract.ts";
import { db } from "./firestore.ts";
import { COLLECTIONS } from "./stores.ts";
import type { Tenant } from "./tenant.ts";

type Query = ReturnType<ReturnType<ReturnType<typeof db>["collection"]>["where"]>;

/** A request that is ready to be sent. */
export interface Prepared {
  route: Route;
  /** What its path names. */
  ids: Record<string, string>;
  query: string;
  call: Call;
}

/** What the route is asked by way of example; the cost bench asks the same. */
export function examplesOf({ operationId }: Route): readonly Example[] {
  const examples = EXAMPLES[operationId];
  if (!examples) throw new Error(`${operationId} has no example: add one to bench/cost/requests.ts`);
  return examples;
}

/** Makes what the example needs, and the request by that credential. */
export async function prepare(
  places: Places,
  route: Route,
  example: Pick<Example, "at" | "send">,
  credential: Credential | "none",
): Promise<Prepared> {
  const place = places[example.at ?? "busy"];
  const { ids = {}, query, body, headers, token: other } = (await example.send?.(places)) ?? {};
  const { user, key: apiKey, deviceKey, claimToken } = place;
  const token = other ?? { firebase: user.token, apiKey, deviceKey, claimToken, none: undefined }[credential];
  return {
    route,
    ids: { ...place.ids, ...ids },
    query: query ? `?${query}` : "",
    call: {
      ...(token === undefined ? {} : { token }),
      ...(body === undefined ? {} : { body }),
      ...(headers === undefined ? {} : { headers }),
    },
  };
}

/** Sends it as it is, but for what is said otherwise. */
export function send(
  client: Client,
  { route, ids, query, call }: Prepared,
  more: { ids?: Record<string, string>; query?: string; headers?: Record<string, string> } = {},
): Promise<Answer> {
  const path = route.path.replaceAll(/\{(\w+)\}/g, (_, name: string) => more.ids?.[name] ?? ids[name] ?? "");
  return client(route.method, path + (more.query ?? query), {
    ...call,
    headers: { ...call.headers, ...more.headers },
  });
}

/** A client of these routes in this process. */
export function clientOf(routes: readonly Route[], deps: AllDeps): Client {
  const app = createApp(routes, deps);
  return held(createClient((request) => app.fetch(request)));
}

/** What an act adds to a tenant: how many documents of each kind. */
export async function adding<T>(
  tenant: Tenant,
  act: () => Promise<T>,
): Promise<{ result: T; added: Record<string, number> }> {
  const before = await tally(tenant);
  const result = await act();
  const after = await tally(tenant);
  const differences = Object.entries(after).map(([name, count]) => [name, count - (before[name] ?? 0)]);
  return { result, added: Object.fromEntries(differences.filter(([, more]) => more !== 0)) };
}

async function tally({ organization, project, environment }: Tenant): Promise<Record<string, number>> {
  const owners = [
    `organizations/${organization.id}`,
    `projects/${project.id}`,
    `environments/${environment.id}`,
  ];
  const below = (await Promise.all(owners.map((path) => db().doc(path).listCollections()))).flat();
  const beside = COLLECTIONS.map((name) => db().collection(name));
  const counts: Record<string, number> = {};
  const add = async (name: string, query: Query) => {
    const { count } = (await query.count().get()).data();
    counts[name] = (counts[name] ?? 0) + count;
  };
  await Promise.all([
    ...below.map((collection) => add(collection.id, collection)),
    ...beside.map((collection) =>
      add(collection.id, collection.where("organization_id", "==", organization.id)),
    ),
    ...beside.map((collection) => add(collection.id, collection.where("project_id", "==", project.id))),
  ]);
  return counts;
}
