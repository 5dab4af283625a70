/** How an API is asked. */
export interface Settings {
  /** Where it is, without `/v1`: `https://your-project.web.app`; in a browser `""` is the page's own origin. */
  baseUrl: string;
  /** The credential: an API key, a terminal's key, or a function of one that changes, as Firebase's ID tokens do. */
  key?: string | (() => string | Promise<string>) | undefined;
  /** Instead of the global one. */
  fetch?: typeof fetch | undefined;
  /** How often a request is sent again at most; 4 unless given. */
  maxRetries?: number | undefined;
  /** How long one try may take, in ms; 65,000 unless given, 5,000 more than Hosting gives an answer. */
  timeoutMs?: number | undefined;
  /** Ends the request, whether it is under way or waits to be sent again; it rejects with the signal's reason. */
  signal?: AbortSignal | undefined;
  /** Of a request that must have its effect once, however often you send it; one is made for each call unless given. */
  idempotencyKey?: string | undefined;
  /** Sent besides: `X-Request-Id`, say. */
  headers?: Readonly<Record<string, string>> | undefined;
}

/** What every operation takes last. */
export interface Client extends Readonly<Settings> {
  /** The same client with other settings, for one call or for many. */
  with(settings: Partial<Settings>): Client;
}

/** A client of an API. Nothing is sent yet. */
export function createClient(settings: Settings): Client {
  return { ...settings, with: (more) => createClient({ ...settings, ...more }) };
}
