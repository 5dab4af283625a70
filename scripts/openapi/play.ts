import { setTimeout as sleep } from "node:timers/promises";
import type { ExampleRequest, Json } from "../../functions/src/http/openapi.ts";
import { type Answer, type Api, createApi, signIn } from "../api.ts";
import type { Suite } from "../emulators.ts";
import { apiKeyNamed, PASSWORD, users } from "../world.ts";
import { Disguise } from "./disguise.ts";
import { type Call, fill } from "./tour.ts";

/** How long a call that waits for something is asked again, in ms. */
const PATIENCE_MS = 20_000;
const PAUSE_MS = 250;
const DAY = 24 * 60 * 60_000;

/** What is asked and answered in one place of the document. */
interface Operation {
  method: string;
  /** Below `/v1`, with its parameters in braces. */
  path: string;
}

/** The tour on a suite that has the demo world. Requests and answers are as the document shows them. */
export class Play {
  readonly #api: Api;
  readonly #disguise: Disguise;
  readonly #tokens: Readonly<Record<string, string>>;
  readonly #answers: Record<string, Json> = {};

  private constructor(api: Api, disguise: Disguise, tokens: Record<string, string>) {
    this.#api = api;
    this.#disguise = disguise;
    this.#tokens = tokens;
  }

  /**
   * Begins: all of it has to happen on one day of UTC, so it waits for the next one when this one is nearly over.
   * @param endpoint where webhooks arrive, `http://localhost:<port>/`
   */
  static async begin({ baseUrl, ports }: Pick<Suite, "baseUrl" | "ports">, endpoint: string): Promise<Play> {
    const left = DAY - (Date.now() % DAY);
    if (left < 2 * 60_000) await sleep(left);
    const { body } = await signIn(ports.auth, users[0]?.email ?? "", PASSWORD);
    const tokens = { user: body.idToken, key: apiKeyNamed("acme_hq").key };
    return new Play(createApi(baseUrl), new Disguise(new URL(endpoint).origin), tokens);
  }

  /** The call's request, what it names of earlier answers put in its place. */
  requestOf({ path, query, headers, body }: Call): ExampleRequest {
    const request = { path, query, headers, body };
    const named = Object.entries(request).filter(([, part]) => part !== undefined);
    return fill(Object.fromEntries(named) as Json, this.#answers) as ExampleRequest;
  }

  /** Sends a request as the call says by whom. `answer` is missing where nothing was answered. */
  async send(
    call: Call,
    operation: Operation,
    request: ExampleRequest,
  ): Promise<{ status: number; answer?: Json }> {
    if (!call.until) this.#disguise.begin();
    const until = performance.now() + PATIENCE_MS;
    for (;;) {
      const { status, body } = await this.#ask(call, operation, request);
      if (call.until && !call.until(body)) {
        if (performance.now() > until) throw new Error(`${call.operationId}: ${JSON.stringify(body)}`);
        await sleep(PAUSE_MS);
        continue;
      }
      if (status === 204) return { status };
      const answer = this.#disguise.hide(cut(body, call.first));
      if (call.as !== undefined) this.#answers[call.as] = answer;
      return { status, answer };
    }
  }

  async #ask({ by }: Call, { method, path }: Operation, request: ExampleRequest) {
    const live = this.#disguise.reveal({ ...request }) as ExampleRequest;
    const place = path.replaceAll(/\{(\w+)\}/g, (_, name: string) => live.path?.[name] ?? "");
    const query = Object.entries(live.query ?? {}).map(
      ([name, value]) => `${name}=${encodeURIComponent(value)}`,
    );
    return this.#api(method, query.length > 0 ? `${place}?${query.join("&")}` : place, {
      token: by && (this.#tokens[by] ?? (this.#disguise.reveal(fill(by, this.#answers)) as string)),
      body: live.body,
      idempotencyKey: live.headers?.["Idempotency-Key"],
    });
  }
}

/** The first items of a list, be it an array or a page. */
function cut(list: Answer["body"], first: number | undefined): Json {
  if (first === undefined) return list;
  return Array.isArray(list) ? list.slice(0, first) : { ...list, items: list.items.slice(0, first) };
}
