import type { Ctx } from "../../domain/context.ts";
import * as palms from "../../domain/palm/verifyPalm.ts";
import { defineRoute } from "../../http/route.ts";
import { PalmSample, toSample, VerificationShape } from "./schemas.ts";

type VerifyCtx = palms.VerifyCtx & Ctx<"members" | "mismatches">;

export const verifyPalm = defineRoute({
  method: "POST",
  path: "/v1/project/{project_id}/members/{member_id}/verify",
  operationId: "verifyPalm",
  fn: "identify",
  summary: "Verify a member's palm",
  description:
    "Compares a palm with the palms of one member (of that hand, if `hand` is given). It matches when the score reaches " +
    "the threshold and is ahead of the project's other palms by 0.02. Leaves one scan. Needs server lookup to be on.\n\n" +
    "After five answers `no_match` for one member in 15 minutes, to any caller, verifications of this member are 429 " +
    "with `Retry-After`.",
  auth: ["apiKey"],
  permission: "palms:verify",
  scope: "tenant",
  requires: ["server_lookup"],
  idempotent: false,
  audits: null,
  finds: (ctx: VerifyCtx, { project_id, member_id }) => ctx.members.get(project_id, member_id),
  begins: (ctx: VerifyCtx, environment_id) => ctx.galleries.followKnown(environment_id),
  body: PalmSample,
  bodyLimit: "sample",
  response: VerificationShape,
  errors: ["expired", "poor_quality", "no_hand", "hand_mismatch"],
  handle: (ctx: VerifyCtx, { actor, project, environment, found, begun: following, body, signal }) =>
    ctx.mismatches.look(
      found.value.id,
      () =>
        palms.verifyPalm(ctx, {
          ...{ actor, project, environment, following, signal, member: found.value },
          sample: toSample(body, ""),
        }),
      ({ outcome }) => outcome === "no_match",
    ),
});
