import * as z from "zod";
import type { Ctx } from "../../domain/context.ts";
import * as palms from "../../domain/palm/enrollPalm.ts";
import { isServerLookupOn } from "../../domain/project/project.ts";
import { accountOf } from "../../http/auth.ts";
import { defineRoute } from "../../http/route.ts";
import { uuid } from "../fields.ts";
import { PalmShape, toPalm } from "../palms.ts";
import { PalmSample, toSample } from "./schemas.ts";

type EnrollCtx = palms.EnrollCtx & Ctx<"duplicates">;

const EnrollBody = z
  .strictObject({
    member_id: uuid,
    samples: z.array(PalmSample).min(1).max(5),
    replace: z
      .boolean()
      .default(false)
      .meta({
        description:
          "Whether a palm that the member has already is replaced while server lookup is off. While it is on, the palm is " +
          "always replaced.",
      }),
  })
  .meta({ id: "Enroll" });

export const enrollPalm = defineRoute({
  method: "POST",
  path: "/v1/project/{project_id}/enroll",
  operationId: "enrollPalm",
  fn: "identify",
  summary: "Enrol a palm",
  description:
    "Enrols one palm of a member from 1 to 5 samples of it; three make it robust. A palm that the member has " +
    "already is replaced under the same id, with a new `created_at`; another member's is refused. Found by the very next identify. " +
    "Leaves one scan and emits `enrollment.completed`.\n\n" +
    "With server lookup off, enrollment does not tell whose palm it is: a palm that is enrolled already is 409 " +
    "`duplicate_palm`, be it this member's or another's. `replace: true` replaces this member's own palm; the audit log " +
    "names that `enrollPalm.replace`. After 10 answers `duplicate_palm` in an hour the caller gets 429 with " +
    "`Retry-After`.",
  auth: ["apiKey"],
  permission: "palms:enroll",
  scope: "tenant",
  idempotent: true,
  audits: "palm",
  begins: (ctx: EnrollCtx, environment_id) => ctx.galleries.followKnown(environment_id),
  body: EnrollBody,
  bodyLimit: "samples",
  status: 201,
  response: PalmShape,
  errors: [
    "not_found",
    "duplicate_palm",
    "limit_reached",
    "expired",
    "poor_quality",
    "no_hand",
    "hand_mismatch",
    "template_mismatch",
  ],
  answers: toPalm,
  async handle(ctx: EnrollCtx, { actor, project, environment, begun: following, body, signal }) {
    const { member_id, replace } = body;
    const samples = body.samples.map((sample, index) => toSample(sample, `samples.${index}`));
    const enroll = () =>
      palms.enrollPalm(ctx, { actor, project, environment, following, signal, member_id, samples, replace });
    return isServerLookupOn(project, environment) ? enroll() : ctx.duplicates.look(accountOf(actor), enroll);
  },
});
