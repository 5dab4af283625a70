import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import * as z from "zod";
import type { Ctx, Ports } from "../../../functions/src/domain/context.ts";
import { unavailable } from "../../../functions/src/domain/errors.ts";
import type { IdempotencyRecord } from "../../../functions/src/domain/idempotency/record.ts";
import type { Commit, Stored } from "../../../functions/src/domain/store.ts";
import { createApp, type PipelinePorts } from "../../../functions/src/http/app.ts";
import { defineRoute } from "../../../functions/src/http/route.ts";
import { assertProblem, createClient } from "../../support/client.ts";
import { UNLIMITED } from "../../support/limits.ts";
import { testSurroundings } from "../../support/surroundings.ts";

const route = defineRoute({
  method: "POST",
  path: "/v1/things",
  operationId: "createThing",
  fn: "x",
  summary: "s",
  description: "d",
  auth: ["firebase"],
  scope: "caller",
  idempotent: true,
  audits: null,
  body: z.strictObject({ name: z.string().optional() }),
  status: 201,
  response: z.strictObject({ name: z.string() }),
  errors: [],
  async handle(ctx: Ctx<"commit">, { actor }) {
    const result = { name: actor.id };
    const outcome = await ctx.commit([], { target: { type: "project", id: "1" }, result });
    if (outcome === "conflict") throw unavailable();
    return result;
  },
});

describe("An Idempotency-Key", () => {
  let ports: Pick<Ports, PipelinePorts>;
  let records: Partial<Ports["idempotency"]>;
  let commit: Commit;
  let commits: number;

  beforeEach(() => {
    commits = 0;
    commit = async () => {
      commits += 1;
      return "committed";
    };
    records = { get: async () => undefined, create: (record) => record as never };
    ports = {
      identityTokens: {
        verify: async () => ({ id: "ada", email_verified: true, lacks_second_factor: false }),
      },
      limiter: UNLIMITED,
      policies: {},
      commit: (...args: Parameters<Commit>) => commit(...args),
    } as unknown as typeof ports;
  });

  const post = (more: { body?: unknown; key?: string } = {}) => {
    const ctx = { ...testSurroundings(), ...ports, idempotency: records as Ports["idempotency"] };
    const app = createApp([route], ctx);
    return createClient((request) => app.fetch(request))("POST", "/v1/things", {
      token: "a.b.c",
      body: more.body ?? {},
      headers: { "Idempotency-Key": more.key ?? randomUUID() },
    });
  };

  it("needs somewhere to be recorded", () => {
    assert.throws(() => createApp([route], { ...testSurroundings(), ...ports }), /nowhere to record it/);
  });

  it("does nothing when nobody can say whether it was used", async () => {
    records.get = () => Promise.reject(unavailable());
    assertProblem(await post(), 503, "unavailable");
    assert.equal(commits, 0);
  });

  it("fails nobody who is refused before it is asked for", async () => {
    records.get = () => Promise.reject(unavailable());
    // A rejection that nobody hears ends an instance; Mocha lets it pass.
    const unheard: unknown[] = [];
    const hear = (reason: unknown) => unheard.push(reason);
    process.on("unhandledRejection", hear);
    assertProblem(await post({ body: { name: 1 } }), 400, "invalid_request");
    await new Promise(setImmediate);
    process.off("unhandledRejection", hear);
    assert.deepEqual(unheard, []);
  });

  it("leaves a conflict that is not its own to the operation", async () => {
    commit = async () => {
      commits += 1;
      return "conflict";
    };
    assertProblem(await post(), 503, "unavailable");
    assert.equal(commits, 1);
  });

  it("refuses another body, even one that was on its way at the same time", async () => {
    let stored: Stored<IdempotencyRecord> | undefined;
    records.get = async () => stored;
    commit = async ([write]) => {
      const value = { ...(write as unknown as IdempotencyRecord), body_hash: "another" };
      stored = { value, version: {} as never };
      return "conflict";
    };
    assertProblem(await post(), 409, "idempotency_mismatch");
  });
});
