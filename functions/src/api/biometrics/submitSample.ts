import { findSession } from "../../domain/enrollment/findSession.ts";
import * as sessions from "../../domain/enrollment/submitSample.ts";
import { defineRoute } from "../../http/route.ts";
import { uuid } from "../fields.ts";
import { SessionShape, toSession } from "../sessions.ts";
import { ONE_SOURCE, PalmSample, toSample } from "./schemas.ts";

const SubmitSampleBody = PalmSample.safeExtend({
  sample_id: uuid.meta({ description: "The terminal's own: sent again, the sample is not counted again." }),
}).meta({ id: "SubmitSample", ...ONE_SOURCE });

export const submitSample = defineRoute({
  method: "POST",
  path: "/v1/terminal/enrollment/{session_id}/samples",
  operationId: "submitSample",
  fn: "identify",
  summary: "Submit a sample of an enrolment session",
  description:
    "One sample of the palm that is enrolled at this terminal. One that is refused is told in `last_rejection`: " +
    "`poor_quality`, `no_hand` or `hand_mismatch` for a photograph without a hand or of the other hand, or " +
    "`template_mismatch` where it is not of the palm or the hand of those before. The last accepted " +
    "one completes the session: the palm is enrolled, one scan recorded and `enrollment.completed` emitted; a palm of " +
    "another member ends it as `failed`. Whatever the sample becomes, the answer is the session. A `sample_id` that was " +
    "judged before, and a completed session, change nothing; 410 where it has ended otherwise.",
  auth: ["deviceKey"],
  reachedBy: "direct",
  rate: "organization",
  scope: "terminalPalms",
  requires: ["enabled"],
  idempotent: true,
  audits: "session",
  finds: async (ctx: sessions.SubmitCtx, { session_id }, device) =>
    device && findSession(ctx, device, session_id),
  begins: (ctx: sessions.SubmitCtx, environment_id) => ctx.galleries.followKnown(environment_id),
  body: SubmitSampleBody,
  bodyLimit: "sample",
  response: SessionShape,
  errors: ["not_found", "expired"],
  answers: toSession,
  async handle(
    ctx: sessions.SubmitCtx,
    { project, environment, device, found: session, begun: following, body, signal },
  ) {
    const { sample_id, ...sample } = body;
    return sessions.submitSample(ctx, {
      ...{ project, environment, device, session, following, signal, sample_id },
      sample: toSample(sample, ""),
    });
  },
});
