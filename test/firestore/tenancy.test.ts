import assert from "node:assert/strict";
import { createMember } from "../../functions/src/domain/member/createMember.ts";
import { enrollPalm } from "../../functions/src/domain/palm/enrollPalm.ts";
import { Galleries } from "../../functions/src/domain/palm/galleries.ts";
import { identifyPalm } from "../../functions/src/domain/palm/identifyPalm.ts";
import type { Sample } from "../../functions/src/domain/palm/sample.ts";
import { verifyPalm } from "../../functions/src/domain/palm/verifyPalm.ts";
import type { TemplateFormat } from "../../functions/src/palm/index.ts";
import { ROWS } from "../../functions/src/palm/rows.ts";
import { encodePng, newSample, steadyPalm } from "../support/palms.ts";
import { type Deps, NOBODY, newTenant, openDeps, type Tenant } from "../support/tenant.ts";
import { floatBytes, syntheticVector } from "../support/vectors.ts";

type Take = (seed: number, sample: number) => Sample;
const FORMATS: Record<TemplateFormat, Take> = {
  "palm-code.v1": (seed, sample) => newSample(encodePng(steadyPalm({ seed, sample }))),
  "vector-512.v1": (seed, sample) => ({ path: "", template: floatBytes(syntheticVector({ seed, sample })) }),
};

/** The one person whom everybody enrols, and how many others each project has. */
const SHARED = 500;
const OTHERS = { hq: 3, branch: 5, rival: 2 };

describe("One person in several projects", () => {
  let deps: Deps;
  /** Rows compared since it was last set to 0. */
  let scored = 0;
  const real = { ...ROWS };

  before(async () => {
    deps = await openDeps();
    for (const format of Object.keys(FORMATS) as TemplateFormat[]) {
      ROWS[format] = (secret) => {
        const rows = real[format](secret);
        const prepare: typeof rows.prepare = (probe, poses) => {
          const scorer = rows.prepare(probe, poses);
          const score = (row: number) => {
            scored++;
            return scorer.score(row);
          };
          return { ...scorer, score };
        };
        return {
          planes: rows.planes,
          put: rows.put.bind(rows),
          protect: rows.protect.bind(rows),
          compareRows: rows.compareRows.bind(rows),
          prepare,
        };
      };
    }
  });
  after(() => Object.assign(ROWS, real));

  /** How many rows were compared while something ran. */
  const counting = async <T>(run: () => Promise<T>): Promise<{ result: T; compared: number }> => {
    scored = 0;
    const result = await run();
    return { result, compared: scored };
  };

  for (const [template_format, take] of Object.entries(FORMATS) as [TemplateFormat, Take][]) {
    it(`is several members, who never meet in a gallery of ${template_format}`, async () => {
      let ctx: Deps = { ...deps, galleries: new Galleries(deps, 2 ** 30) };
      const hq = await newTenant(deps, { environment: { template_format } });
      // Of the same organization, in the same environment.
      const branch: Tenant = { ...hq, project: { ...hq.project, id: deps.id() } };
      await deps.commit([deps.projects.create(branch.project)]);
      const rival = await newTenant(deps, { environment: { template_format } });
      const places = { hq, branch, rival };

      const newMember = async ({ project }: Tenant) =>
        (await createMember(deps, { project_id: project.id, fields: NOBODY })).id;
      const enroll = (of: Tenant, member_id: string, seed: number) =>
        enrollPalm(ctx, { ...of, member_id, samples: [take(seed, 0)] });
      const ids: Record<string, string> = {};
      for (const [name, of] of Object.entries(places)) {
        for (let other = 0; other < OTHERS[name as keyof typeof OTHERS]; other++) {
          await enroll(of, await newMember(of), SHARED + 1 + other);
        }
        const member_id = await newMember(of);
        ids[name] = member_id;
        // Twice looked for duplicates, each time among the project's own.
        const { compared } = await counting(() => enroll(of, member_id, SHARED));
        assert.equal(compared % OTHERS[name as keyof typeof OTHERS], 0, `${compared} for ${name}`);
        assert.ok(compared > 0);
      }

      for (const when of ["before", "after"]) {
        for (const [name, of] of Object.entries(places)) {
          const size = OTHERS[name as keyof typeof OTHERS] + 1;
          const where = `${name}, ${when} a restart`;
          const { result: found, compared } = await counting(() =>
            identifyPalm(ctx, { ...of, sample: take(SHARED, 1) }),
          );
          assert.deepEqual(
            { member_id: found.member_id, searched: found.searched, compared },
            { member_id: ids[name], searched: size, compared: size },
            where,
          );
          const member = await deps.members.get(of.project.id, ids[name] ?? "");
          assert.ok(member);
          const verified = await counting(() =>
            verifyPalm(ctx, { ...of, member: member.value, sample: take(SHARED, 2) }),
          );
          // The claimed palm, and the project's others, which must be further away.
          assert.deepEqual([verified.result.outcome, verified.compared], ["match", size], where);
          // Nobody else's look-alike stands in the way, and nobody else's hides a duplicate.
          const twin = await newMember(of);
          const refused = await counting(() =>
            assert.rejects(enroll(of, twin, SHARED), { code: "duplicate_palm" }, where),
          );
          assert.equal(refused.compared, size, where);
        }
        ctx = { ...deps, galleries: new Galleries(deps, 2 ** 30) };
      }
    });
  }
});
