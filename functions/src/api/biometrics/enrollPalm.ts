import * as z from "zod";
import * as palms from "../../domain/palm/enrollPalm.ts";
import { defineRoute } from "../../http/route.ts";
import { uuid } from "../fields.ts";
import { PalmShape, toPalm } from "../palms.ts";
import { PalmSample, toSample } from "./schemas.ts";

const EnrollBody = z
  .strictObject({ member_id: uuid, samples: z.array(PalmSample).min(1).max(5) })
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
    "Leaves one scan and emits `enrollment.completed`.",
  auth: ["apiKey"],
  permission: "palms:enroll",
  scope: "tenant",
  idempotent: true,
  audits: "palm",
  begins: (ctx: palms.EnrollCtx, environment_id) => ctx.galleries.followKnown(environment_id),
  body: EnrollBody,
  bodyLimit: "samples",
  status: 201,
  response: PalmShape,
  errors: ["not_found", "duplicate_palm", "limit_reached", "expired", "poor_quality", "template_mismatch"],
  answers: toPalm,
  async handle(ctx: palms.EnrollCtx, { actor, project, environment, begun: following, body }) {
    const { member_id } = body;
    const samples = body.samples.map((sample, index) => toSample(sample, `samples.${index}`));
    return palms.enrollPalm(ctx, { actor, project, environment, following, member_id, samples });
  },
});
