import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { Webhook as Verifier } from "standardwebhooks";
import { createDeliveries } from "../../functions/src/data/deliveries.ts";
import { createSecretSealing, parseKeyring } from "../../functions/src/data/keyring.ts";
import { type AttemptCtx, attemptDelivery } from "../../functions/src/domain/delivery/attemptDelivery.ts";
import type { Delivery } from "../../functions/src/domain/delivery/delivery.ts";
import { createWebhook } from "../../functions/src/domain/webhook/createWebhook.ts";
import { deleteWebhook } from "../../functions/src/domain/webhook/deleteWebhook.ts";
import type { Outbound, Sent } from "../../functions/src/domain/webhook/outbound.ts";
import { rotateSecretKeys } from "../../functions/src/domain/webhook/rotateSecretKeys.ts";
import { MAX_WEBHOOKS, type Webhook } from "../../functions/src/domain/webhook/webhook.ts";
import { db } from "../support/firestore.ts";
import { newRing } from "../support/memory.ts";
import { NOWHERE, newAttempt, newDelivery, newWebhook } from "../support/rows.ts";
import { type Deps, newTenant, openDeps, type Tenant } from "../support/tenant.ts";

const FIELDS = {
  url: NOWHERE,
  event_types: ["enrollment.completed"],
  enabled: true,
  description: null,
} as const;

const FAILED: Sent = {
  status_code: 500,
  response_body: "no",
  response_truncated: false,
  error: "http_error",
  retry_after: null,
  duration_ms: 3,
};

describe("Webhooks in Firestore", () => {
  let deps: Deps;
  let tenant: Tenant;
  let project_id: string;

  before(async () => {
    deps = await openDeps();
  });
  beforeEach(async () => {
    tenant = await newTenant(deps);
    project_id = tenant.project.id;
  });

  const below = async (path: string) => (await db().collection(path).listDocuments()).map(({ id }) => id);

  it("are 25 in as many places when a hundred are made at once", async () => {
    const outcomes = await Promise.all(
      Array.from({ length: 100 }, () =>
        createWebhook(deps, { project_id, fields: FIELDS }).then(
          ({ webhook }) => webhook.id,
          ({ code }: { code?: string }) => code,
        ),
      ),
    );
    const made = outcomes.filter((outcome) => outcome?.includes("-"));
    const refused = outcomes.filter((outcome) => !outcome?.includes("-"));
    assert.equal(made.length, MAX_WEBHOOKS);
    for (const code of refused) assert.ok(code === "limit_reached" || code === "unavailable", code);
    const stored = await deps.webhooks.ofProject(project_id);
    assert.deepEqual(stored.map(({ id }) => id).sort(), made.toSorted());
    const places = Array.from({ length: MAX_WEBHOOKS }, (_, place) => place);
    assert.deepEqual(
      stored.map(({ slot }) => slot).sort((a, b) => a - b),
      places,
    );
    assert.deepEqual(
      (await deps.webhooks.slots(project_id)).sort((a, b) => a - b),
      places,
    );
  });

  describe("that are deleted while an attempt is under way", () => {
    let webhook: Webhook;
    let delivery: Delivery;
    let enqueued: number;

    const remove = async () => {
      const stored = await deps.webhooks.get(project_id, webhook.id);
      assert.ok(stored);
      await deleteWebhook(deps, { webhook: stored });
    };
    const ctx = (more: Partial<AttemptCtx> = {}): AttemptCtx => ({
      ...deps,
      queue: {
        async enqueue() {
          enqueued += 1;
        },
      },
      ...more,
    });
    const sending = (post: () => Promise<Sent>) => ({ outbound: { check: async () => undefined, post } });
    const attempt = (given: AttemptCtx) =>
      attemptDelivery(given, { project_id, webhook_id: webhook.id, delivery_id: delivery.id, attempt: 1 });
    const assertNothingLeft = async () => {
      const path = `projects/${project_id}/webhooks/${webhook.id}`;
      assert.deepEqual(
        [
          (await db().doc(path).get()).exists,
          await below(`${path}/deliveries`),
          await below(`${path}/deliveries/${delivery.id}/attempts`),
          await deps.webhooks.slots(project_id),
        ],
        [false, [], [], []],
      );
      assert.equal(enqueued, 0);
    };

    beforeEach(async () => {
      enqueued = 0;
      ({ webhook } = await createWebhook(deps, { project_id, fields: FIELDS }));
      delivery = newDelivery({
        project_id,
        webhook_id: webhook.id,
        status: "pending",
        attempts: [],
        attempt_count: 0,
        scheduled: 0,
        next_attempt_at: new Date(),
        completed_at: null,
      });
      await deps.commit([deps.deliveries.create(delivery)]);
    });

    it("leave nothing behind, and nothing is sent any more", async () => {
      let sent = 0;
      const given = ctx(
        sending(async () => {
          sent += 1;
          await remove();
          return FAILED;
        }),
      );
      await attempt(given);
      await assertNothingLeft();
      await attempt(given);
      assert.equal(sent, 1);
    });

    it("leave nothing behind where it is being written down just then", async () => {
      let reads = 0;
      const get: Deps["webhooks"]["get"] = async (...args) => {
        const found = await deps.webhooks.get(...args);
        reads += 1;
        if (reads === 2) await remove();
        return found;
      };
      await attempt(ctx({ webhooks: { ...deps.webhooks, get }, ...sending(async () => FAILED) }));
      assert.ok(reads >= 2);
      await assertNothingLeft();
    });

    it("leave nothing behind where it is written down between its delivery's attempts and itself", async () => {
      const place = { project_id, webhook_id: webhook.id };
      const lease = { id: "mine", until: new Date(Date.now() + 60_000), manual: false };
      const due = await deps.deliveries.get(place, delivery.id);
      assert.ok(due);
      await deps.commit([deps.deliveries.replace(due, { ...delivery, lease })]);
      const leased = await deps.deliveries.get(place, delivery.id);
      assert.ok(leased);
      let written: string | undefined;
      // The first batch deletes the delivery: it has no attempts yet.
      const late = Object.create(db(), {
        batch: {
          value: () => {
            const batch = db().batch();
            const commit = async () => {
              written ??= await deps.commit([
                deps.deliveries.createAttempt(delivery, newAttempt()),
                deps.deliveries.replace(leased, { ...delivery, lease: null }),
              ]);
              return batch.commit();
            };
            return { delete: batch.delete.bind(batch), commit };
          },
        },
      });
      const stored = await deps.webhooks.get(project_id, webhook.id);
      assert.ok(stored);
      await deleteWebhook({ ...deps, deliveries: createDeliveries(late) }, { webhook: stored });
      assert.equal(written, "committed");
      await assertNothingLeft();
    });
  });

  it("are sealed by one key after the other while deliveries run, and every delivery verifies", async () => {
    const ring = newRing("k1");
    const sealing = () => createSecretSealing(parseKeyring("WEBHOOK_KEYS", JSON.stringify(ring)));
    let secrets = sealing();
    const plain = await Promise.all(
      Array.from({ length: 3 }, () => createWebhook({ ...deps, secrets }, { project_id, fields: FIELDS })),
    );
    const secretOf = new Map(plain.map(({ webhook, secret }) => [webhook.id, secret]));
    const own = {
      ...deps.webhooks,
      all: async function* () {
        yield await deps.webhooks.ofProject(project_id);
      },
    };

    let posted = 0;
    /** The keyring that each of the instances was started with. */
    const instances = plain.map(() => secrets);
    const deploy = async () => {
      secrets = sealing();
      while (instances.some((one) => one !== secrets)) await deps.sleep(5);
    };
    const refused: unknown[] = [];
    const send = async ({ webhook: { id: webhook_id } }: (typeof plain)[number]) => {
      const delivery = newDelivery({
        project_id,
        webhook_id,
        status: "pending",
        attempt_count: 0,
        next_attempt_at: new Date(),
      });
      await deps.commit([deps.deliveries.create(delivery)]);
      const post: Outbound["post"] = async ({ headers, body }) => {
        posted += 1;
        try {
          new Verifier(secretOf.get(webhook_id) ?? "").verify(body, { ...headers });
        } catch (error) {
          refused.push(error);
        }
        return { ...FAILED, status_code: 204, error: null };
      };
      const ctx = { ...deps, secrets, outbound: { check: async () => undefined, post } };
      await attemptDelivery(ctx, { project_id, webhook_id, delivery_id: delivery.id, attempt: 1 });
    };
    let done = false;
    const deliver = async (webhook: (typeof plain)[number], instance: number) => {
      while (!done) {
        instances[instance] = secrets;
        await send(webhook);
      }
    };
    const delivering = Promise.all(plain.map(deliver));
    try {
      for (const kid of ["k2", "k3", "k4", "k5"]) {
        // Deployed everywhere first, then sealed by, then the old one is taken out.
        Object.assign(ring, newRing(kid));
        await deploy();
        const rotation = await rotateSecretKeys({ ...deps, webhooks: own, secrets });
        const { resealed, failed, unused } = rotation;
        assert.deepEqual([rotation.kid, resealed, failed], [kid, plain.length, []]);
        assert.ok(unused.length >= 1);
        for (const old of unused) delete ring[old];
        await deploy();
        assert.deepEqual(secrets.kids, [kid]);
      }
    } finally {
      done = true;
      await delivering;
    }
    assert.deepEqual(refused, []);
    assert.ok(posted >= 12);
    const again = await rotateSecretKeys({ ...deps, webhooks: own, secrets });
    assert.deepEqual([again.current, again.resealed], [plain.length, 0]);
  });

  it("are left as they are by a rotation whose keyring does not open them, old secrets in their grace included", async () => {
    const lost = createSecretSealing(parseKeyring("WEBHOOK_KEYS", JSON.stringify(newRing("lost"))));
    const present = createSecretSealing(parseKeyring("WEBHOOK_KEYS", JSON.stringify(newRing("k1", "k2"))));
    const id = randomUUID();
    const about = { id, project_id };
    const old = (ms: number) => ({ ...lost.seal(about, "whsec_old"), until: new Date(Date.now() + ms) });
    const webhook = newWebhook({ secrets: present }, { ...about, old_secret: old(60_000) });
    await deps.commit([deps.webhooks.create(webhook)]);
    const own = {
      ...deps.webhooks,
      all: async function* () {
        yield [webhook];
      },
    };
    const { failed, resealed, unused } = await rotateSecretKeys({ ...deps, webhooks: own, secrets: present });
    assert.deepEqual([failed, resealed, unused], [[{ webhook_id: id, kids: ["k2", "lost"] }], 0, ["k1"]]);
    const stored = await deps.webhooks.get(project_id, id);
    assert.deepEqual(stored?.value, webhook);

    await deps.commit([deps.webhooks.replace(stored, { ...webhook, old_secret: old(-1) })]);
    const later = await rotateSecretKeys({ ...deps, webhooks: own, secrets: present });
    assert.deepEqual([later.failed, later.current], [[], 1]);
  });
});
