import { subscribe } from "node:diagnostics_channel";
import type { IncomingMessage } from "node:http";

/** The headers by which a body parser learns that there is a body. */
const FRAMING = ["content-length", "transfer-encoding"] as const;

/** What a request was before it was disguised. */
interface Original {
  url: string | undefined;
  framing: Partial<Record<(typeof FRAMING)[number], string>>;
}

const originals = new WeakMap<IncomingMessage, Original>();

let isSubscribed = false;

/**
 * Hides body and path of each request from the platform's own middleware, so that every answer is ours. The
 * platform inflates and parses up to 1,024 MB before any code of a function runs, and answers a malformed body or path
 * with an HTML page (docs/adr/0015-requests-reach-us-unread.md). To be called before the server takes requests.
 */
export function hideRequestsFromPlatform(): void {
  if (isSubscribed) return;
  isSubscribed = true;
  // Node publishes each request here before it calls any listener.
  subscribe("http.server.request.start", (message) =>
    hide((message as { request: IncomingMessage }).request),
  );
}

/** Undoes what `hideRequestsFromPlatform` did to a request. */
export function restoreRequest(request: IncomingMessage): void {
  const original = originals.get(request);
  if (!original) return;
  request.url = original.url;
  Object.assign(request.headers, original.framing);
}

function hide(request: IncomingMessage): void {
  const { url, headers } = request;
  // The Functions emulator asks its workers here whether they are ready.
  if (process.env["FUNCTIONS_EMULATOR"] === "true" && url === "/__/health") return;
  const framing: Original["framing"] = {};
  for (const name of FRAMING) {
    const value = headers[name];
    if (value === undefined) continue;
    framing[name] = value;
    delete headers[name];
  }
  originals.set(request, { url, framing });
  request.url = "/";
}
