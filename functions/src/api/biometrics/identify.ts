import { type IdentifyCtx, identifyPalm } from "../../domain/palm/identifyPalm.ts";
import { defineRoute } from "../../http/route.ts";
import { IdentificationShape, PalmSample, toSample } from "./schemas.ts";

export const identify = defineRoute({
  method: "POST",
  path: "/v1/project/{project_id}/identify",
  operationId: "identify",
  fn: "identify",
  summary: "Identify a palm",
  description:
    "Compares a palm with every palm of the project (of that hand, when it is told) and names its member, or " +
    "says `no_match`. Leaves one scan. Needs server lookup to be on.",
  auth: ["apiKey"],
  permission: "palms:identify",
  scope: "tenant",
  requires: ["server_lookup"],
  idempotent: false,
  audits: null,
  begins: (ctx: IdentifyCtx, environment_id) => ctx.galleries.followKnown(environment_id),
  body: PalmSample,
  bodyLimit: "sample",
  response: IdentificationShape,
  errors: ["expired", "poor_quality", "no_hand", "hand_mismatch"],
  handle: (ctx: IdentifyCtx, { actor, project, environment, begun: following, body, signal }) =>
    identifyPalm(ctx, { actor, project, environment, following, signal, sample: toSample(body, "") }),
});
