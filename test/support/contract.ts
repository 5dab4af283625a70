import assert from "node:assert/strict";
import { allRoutes } from "../../functions/src/api/routes.ts";
import { errorsOf, type Route } from "../../functions/src/http/route.ts";
import type { Answer, Client } from "./client.ts";

const patterns = allRoutes.map((route) => ({
  route,
  pattern: new RegExp(`^${route.path.replaceAll(/\{\w+\}/g, "[^/]+")}$`),
}));

function routeOf(method: string, path: string): Route | undefined {
  const [bare = ""] = path.split("?");
  return patterns.find(
    ({ route, pattern }) => route.method === (method === "HEAD" ? "GET" : method) && pattern.test(bare),
  )?.route;
}

/** A client that holds every answer against the contract of its route: shape, media type, codes. */
export function held(client: Client): Client {
  return async (method, path, call) => {
    const answer = await client(method, path, call);
    const route = routeOf(method, path);
    if (route && method !== "HEAD") hold(route, answer);
    return answer;
  };
}

function hold(route: Route, { status, headers, text, body }: Answer): void {
  const { operationId, response } = route;
  if (status >= 400 && headers.get("content-type") === "application/problem+json") {
    assert.ok(errorsOf(route).includes(body.code), `${operationId} does not declare ${body.code}`);
    return;
  }
  assert.equal(status, route.statusOf?.(body) ?? route.status, `${operationId}: ${text}`);
  const { maxAge } = route;
  const caching = maxAge === undefined ? "no-store" : `public, max-age=${maxAge}`;
  assert.equal(headers.get("cache-control"), caching);
  if (!response) {
    assert.equal(text, "");
    return;
  }
  assert.equal(headers.get("content-type"), route.mediaType);
  const parsed = response.safeParse(body === undefined ? text : body);
  assert.ok(parsed.success, `${operationId} answers another shape than it declares: ${parsed.error} ${text}`);
}
