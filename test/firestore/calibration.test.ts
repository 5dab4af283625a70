import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import {
  calibrateEnvironment,
  removeCalibration,
} from "../../functions/src/domain/environment/calibrateEnvironment.ts";
import { LiveGallery } from "../../functions/src/domain/palm/galleries.ts";
import { identifyPalm } from "../../functions/src/domain/palm/identifyPalm.ts";
import type { Palm } from "../../functions/src/domain/palm/palm.ts";
import { templateSeal } from "../../functions/src/domain/palm/sealing.ts";
import { templateObject } from "../../functions/src/domain/palm/templates.ts";
import { extractTemplate } from "../../functions/src/palm/index.ts";
import { encodePng, newSample, syntheticPalm } from "../support/palms.ts";
import { type Deps, newTenant, openDeps, type Tenant } from "../support/tenant.ts";

const PALMS = 1000;
const STRANGERS = 200;
const TARGET_FPIR = 0.02;
/** Of 200 searches with a rate of 2 %, more than 8 are false in less than 2.5 of 100 cases. */
const MOST_FALSE = 8;
/** Writes in one batch. */
const BATCH = 100;

/** Enrolls palms by writing what enrollments of so many members leave. */
async function enrollMany(deps: Deps, { environment, project }: Tenant, seeds: readonly number[]) {
  const live = new LiveGallery(environment, deps);
  const key = await live.sync();
  let seq = live.seq;
  for (let first = 0; first < seeds.length; first += BATCH) {
    const writes = seeds.slice(first, first + BATCH).flatMap((seed) => {
      const image = syntheticPalm({ seed });
      const { template, quality } = extractTemplate(image, { hand: "left" });
      const id = randomUUID();
      const linked = {
        ...{ id, environment_id: environment.id, project_id: project.id, member_id: randomUUID() },
        ...{ hand: "left" as const, template_format: environment.template_format, samples: 1, quality },
        seq: ++seq,
        object: templateObject({ environment_id: environment.id, id }, randomUUID()),
        created_at: deps.now(),
      };
      const palm: Palm = { ...linked, mac: live.links.ofPalm(linked) };
      const sealed = key.seal(template, templateSeal(environment.id, id));
      const put = { seq, palm_id: id, project_id: project.id, hand: palm.hand, template: sealed };
      return [
        deps.changes.append(environment.id, {
          ...put,
          op: "put",
          at: palm.created_at,
          mac: live.links.ofPut(put),
        }),
        deps.palms.create(palm),
      ];
    });
    assert.equal(await deps.commit(writes), "committed");
  }
}

describe("calibrateEnvironment", () => {
  let deps: Deps;

  before(async () => {
    deps = await openDeps();
  });

  it("refuses an environment with too few palms, and one that does not exist", async () => {
    const tenant = await newTenant(deps);
    const environment_id = tenant.environment.id;
    await enrollMany(deps, tenant, [1, 2, 3]);
    await assert.rejects(calibrateEnvironment(deps, { environment_id }), {
      code: "conflict",
      message: /^The environment has 3 pairs of palms of different people; 3000 are needed\.$/,
    });
    await assert.rejects(calibrateEnvironment(deps, { environment_id: randomUUID() }), { code: "not_found" });
    assert.equal((await deps.environments.get(environment_id))?.value.calibration, null);
  });

  it("keeps the false positive rate of 1,000 palms at its target, and continues a run that was stopped", async () => {
    const tenant = await newTenant(deps, { environment: { target_fpir: TARGET_FPIR } });
    const environment_id = tenant.environment.id;
    await enrollMany(
      deps,
      tenant,
      Array.from({ length: PALMS }, (_, i) => 20_000 + i),
    );

    const before: number[] = [];
    const stop = (done: number) => {
      before.push(done);
      if (before.length === 3) throw new Error("stopped");
    };
    await assert.rejects(calibrateEnvironment(deps, { environment_id, report: stop }), /stopped/);
    assert.deepEqual(before, [20_000, 40_000, 60_000]);
    assert.equal((await deps.environments.get(environment_id))?.value.calibration, null);

    const after: number[] = [];
    const result = await calibrateEnvironment(deps, { environment_id, report: (done) => after.push(done) });
    assert.equal(after[0], 80_000);
    assert.equal(result.comparisons, (PALMS * (PALMS - 1)) / 2);
    assert.equal(result.palms, PALMS);
    assert.equal(result.scores.length, 4);
    for (const [i, score] of result.scores.entries()) {
      assert.ok(score > (result.scores[i - 1] ?? 0.6) && score < 0.8, `${result.scores}`);
    }
    assert.equal(await deps.calibrations.get(environment_id), undefined);
    const { calibration } = (await deps.environments.get(environment_id))?.value ?? {};
    const { environment_id: _, ...stored } = result;
    assert.deepEqual(calibration, stored);

    const environment = { ...tenant.environment, calibration: stored };
    const search = async (seed: number, sample: number) => {
      const image = new Uint8Array(encodePng(syntheticPalm({ seed, sample })));
      return identifyPalm(deps, { ...tenant, environment, sample: newSample(image) });
    };
    let [identified, mates] = [0, 0];
    for (let i = 0; i < STRANGERS; i++) {
      if ((await search(40_000 + i, 0)).outcome === "identified") identified++;
    }
    for (let i = 0; i < 20; i++) {
      if ((await search(20_000 + i, 1)).outcome === "identified") mates++;
    }
    await removeCalibration(deps, { environment_id });
    assert.equal((await deps.environments.get(environment_id))?.value.calibration, null);
    assert.ok(identified <= MOST_FALSE, `${identified} of ${STRANGERS} strangers were identified`);
    assert.ok(mates >= 5, `${mates} of 20 members were identified`);
  });
});
