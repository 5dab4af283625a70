import type { ErrorCode } from "../domain/errors.ts";

interface Guidance {
  /** When it is answered. */
  means: string;
  /** What whoever gets it is to do. */
  advice: string;
}

/** What each code tells a developer: for documentation, no function loads it. */
export const GUIDANCE: Record<ErrorCode, Guidance> = {
  invalid_request: {
    means: "Body, query or a header is not as documented; `errors` names each fault by its path.",
    advice: "Mend the request: sent again as it is, it is refused again.",
  },
  unauthenticated: {
    means: "There is no credential, or it is unknown, revoked, expired or of another kind of thing.",
    advice: "Check the `Authorization` header; a user signs in again, a terminal registers anew.",
  },
  forbidden: {
    means:
      "The credential is valid, but may not be used here: the operation takes other kinds, the API key lacks the " +
      "permission that `detail` names, or the deployment requires users to sign in with a second factor.",
    advice:
      "Read `detail`: use a kind that the operation names, a key with its `x-permission`, or sign in with a second " +
      "factor.",
  },
  environment_not_tenant_managed: {
    means: "The project's palms live in no environment of its organization alone, so there are no members.",
    advice: "Use a project with an environment of your own; `getEnvironment` tells which it has.",
  },
  server_lookup_disabled: {
    means: "Server lookup, which identify and verify need, is switched off for the project.",
    advice: "Let an admin switch it on: `updateServerLookup`.",
  },
  project_not_sandbox: {
    means: "Terminals of a project that is no sandbox are registered by the operator alone.",
    advice: "Ask the operator to register the terminal, or use a sandbox project.",
  },
  device_disabled: {
    means: "The terminal is disabled.",
    advice: "Enable it with `updateDevice`; a terminal polls on and shows that it is out of service.",
  },
  not_found: {
    means: "There is nothing here, or it belongs to somebody else: both answer alike.",
    advice: "Check the id, and that the credential opens the project it is in.",
  },
  method_not_allowed: {
    means: "The path has no such method; `Allow` lists those that it has.",
    advice: "Use one of them.",
  },
  conflict: {
    means:
      "What is there does not allow it: an `external_id` that is taken, a webhook that is disabled, a key that is revoked.",
    advice: "Read what is there, and decide; sent again as it is, it is refused again.",
  },
  duplicate_palm: {
    means:
      "The palm is enrolled for another member of the project; with server lookup off, for any member; in a global " +
      "environment, by another project.",
    advice:
      "Find out by identify who has it; delete it there if it is a mistake. With server lookup off, send `replace: true` " +
      "to replace the member's own palm.",
  },
  session_active: {
    means: "An enrolment session goes on at the terminal.",
    advice: "Wait for its end, or cancel it: `cancelEnrollment`.",
  },
  limit_reached: {
    means:
      "There are as many as there may be: devices of an organization, palms of a member, webhooks of a project, attempts of a delivery.",
    advice: "Delete one first; for more devices, ask the operator for a larger plan.",
  },
  idempotency_mismatch: {
    means: "The `Idempotency-Key` was used in the last 24 hours with another body.",
    advice: "Use a new key for a new request; send a request again byte by byte.",
  },
  expired: {
    means:
      "It was here and is over: a registration code, a session, palms whose environment's key was destroyed.",
    advice: "Begin anew: start another registration or session; destroyed palms are enrolled anew elsewhere.",
  },
  too_large: {
    means: "The body, or a picture in it, is larger than allowed.",
    advice:
      "Send a smaller picture: of the palm's region at most 1 MiB, of the whole hand at most 8 MiB. 1,280 px are enough, " +
      "about 200 KB as JPEG.",
  },
  unsupported_media_type: {
    means: "The body is not said to be JSON in UTF-8.",
    advice: "Send `Content-Type: application/json`.",
  },
  poor_quality: {
    means: "The picture is sound, but shows no palm well enough.",
    advice:
      "Take another picture: the whole palm, sharp, evenly lit. A photograph of the whole hand is sent as `photo`, not as `image`.",
  },
  no_hand: {
    means: "The photograph is sound, but shows no open hand whose palm is to the camera.",
    advice:
      "Take another photograph: the whole hand from the wrist to the fingertips, the palm to the camera.",
  },
  hand_mismatch: {
    means:
      "The photograph shows the other hand than `hand` says, or a mirrored one; or the photographs of one enrollment show " +
      "both hands.",
    advice:
      "Present the hand that was asked for. Send photographs of a selfie camera as they are taken, not mirrored.",
  },
  template_mismatch: {
    means: "The samples are not of one palm.",
    advice: "Take all samples anew, of one hand.",
  },
  destination_not_allowed: {
    means: "Webhooks are not sent there: no https, a private or reserved address, one of our own hosts.",
    advice: "Use a public https URL.",
  },
  rate_limited: {
    means:
      "There were too many requests; or, of verifyPalm, five verifications of this member failed in the last 15 minutes.",
    advice:
      "Wait for `Retry-After` seconds; read `RateLimit` to slow down before. Offer a person who cannot be verified another way.",
  },
  internal: {
    means: "Something went wrong on our side.",
    advice:
      "Send it again with the same `Idempotency-Key`; when it lasts, tell the operator the `request_id`.",
  },
  unavailable: {
    means: "A service that it needs does not answer, or is too busy right now.",
    advice: "Send it again after `Retry-After`, or a growing pause, with the same `Idempotency-Key`.",
  },
};
