import { createHash } from "node:crypto";
import type { Route } from "./route.ts";

/**
 * A 200 that shared caches may keep for `maxAge` seconds; 304 without a body where the caller has that text already
 * (RFC 9110, section 13.1.2).
 * @param ifNoneMatch the request's header: a list of entity tags, or `*`
 */
export function cacheableResponse(
  text: string,
  { maxAge = 0, mediaType }: Pick<Route, "maxAge" | "mediaType">,
  ifNoneMatch: string | undefined,
): Response {
  const tag = `"${createHash("sha256").update(text).digest("base64url")}"`;
  const headers = { ETag: tag, "Cache-Control": `public, max-age=${maxAge}` };
  if (isListed(tag, ifNoneMatch)) return new Response(null, { status: 304, headers });
  return new Response(text, { headers: { ...headers, "Content-Type": mediaType } });
}

/** The comparison is weak: proxies that compress a response mark its tag as weak. */
const isListed = (tag: string, list: string | undefined): boolean =>
  list?.trim() === "*" || Array.from(list?.matchAll(/"[^"]*"/g) ?? [], ([tagged]) => tagged).includes(tag);
