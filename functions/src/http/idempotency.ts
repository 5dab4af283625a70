import { createHash } from "node:crypto";
import type { Ctx } from "../domain/context.ts";
import { DomainError } from "../domain/errors.ts";
import { type IdempotencyRecord, RECORD_MS } from "../domain/idempotency/record.ts";
import type { Commit, Stored, Write } from "../domain/store.ts";

export const IDEMPOTENCY_KEY = "Idempotency-Key";

/** Printable ASCII. */
export const isIdempotencyKey = (key: string): boolean => /^[\x20-\x7e]{1,255}$/.test(key);

/** An answer as it is kept: what the route makes of its verb's result. */
type Rendered = Pick<IdempotencyRecord, "status" | "text">;

interface Request {
  /** The credential's owner. The same key of another owner names another request. */
  owner: string;
  method: string;
  path: string;
  key: string;
}

/** Ends a verb whose request has been answered already. */
class Answered extends Error {
  readonly response: Response;
  constructor(response: Response) {
    super("the request was answered before");
    this.response = response;
  }
}

/**
 * A request that takes effect once, however often it is sent. Its record is created in the effect's own batch: there
 * is none without the other, and of several at once one commits. Nothing is claimed before, so nothing is left over by
 * a process that dies (docs/adr/0009-idempotency-without-claims.md).
 */
export class Once {
  readonly #ctx: Ctx<"idempotency">;
  readonly #id: string;
  readonly #render: (result: unknown) => Rendered;
  readonly #redact: (text: string) => Promise<string>;
  #found: Promise<Stored<IdempotencyRecord> | undefined>;
  #body_hash = "";

  /** @param redact the text of a stored answer, without the data of a person who was deleted since */
  constructor(
    ctx: Ctx<"idempotency">,
    request: Request,
    render: (result: unknown) => Rendered,
    redact: (text: string) => Promise<string>,
  ) {
    const { owner, method, path, key } = request;
    this.#ctx = ctx;
    this.#id = sha256([owner, method, path, key].join("\n"));
    this.#render = render;
    this.#redact = redact;
    this.#found = this.#read();
  }

  /**
   * Answers the request by what is on record, else by `handle`, which commits by the commit that it is given.
   * @throws DomainError `idempotency_mismatch` when the first request had another body.
   */
  async answer(
    body: Uint8Array,
    commit: Commit,
    handle: (commit: Commit) => Promise<Response>,
  ): Promise<Response> {
    this.#body_hash = sha256(body);
    const replay = await this.#replay();
    if (replay) return replay;
    try {
      return await handle(this.#recording(commit));
    } catch (error) {
      if (error instanceof Answered) return error.response;
      // It may have been refused for what the first one did, or have taken effect unheard.
      const late = await this.#replayAnew();
      if (late) return late;
      throw error;
    }
  }

  #recording(commit: Commit): Commit {
    return async (writes, effect) => {
      if (!effect) return commit(writes);
      const was = await this.#found;
      const outcome = await commit([...writes, this.#record(was, effect.result)], effect);
      if (outcome === "committed") return outcome;
      const replay = await this.#replayAnew();
      if (replay) throw new Answered(replay);
      // An expired record may be deleted at any time: that is no conflict of the verb's.
      return was && !(await this.#found) ? this.#recording(commit)(writes, effect) : outcome;
    };
  }

  #record(expired: Stored<IdempotencyRecord> | undefined, result: unknown): Write {
    const expires_at = new Date(this.#ctx.now().getTime() + RECORD_MS);
    const record = { id: this.#id, body_hash: this.#body_hash, ...this.#render(result), expires_at };
    return expired ? this.#ctx.idempotency.replace(expired, record) : this.#ctx.idempotency.create(record);
  }

  #replayAnew(): Promise<Response | undefined> {
    this.#found = this.#read();
    return this.#replay();
  }

  #read(): Promise<Stored<IdempotencyRecord> | undefined> {
    const found = this.#ctx.idempotency.get(this.#id);
    // The request may be refused before anybody listens.
    found.catch(() => undefined);
    return found;
  }

  async #replay(): Promise<Response | undefined> {
    const record = (await this.#found)?.value;
    if (!record || record.expires_at <= this.#ctx.now()) return undefined;
    if (record.body_hash !== this.#body_hash) {
      throw new DomainError("idempotency_mismatch", "The key was used for a request with another body.");
    }
    return new Response(await this.#redact(record.text), {
      status: record.status,
      headers: { "Content-Type": "application/json; charset=utf-8", "Idempotency-Replayed": "true" },
    });
  }
}

const sha256 = (data: string | Uint8Array): string => createHash("sha256").update(data).digest("hex");
