import type { Agent } from "node:http";
import { type App, initializeApp } from "firebase-admin/app";
import { type Auth, getAuth } from "firebase-admin/auth";
import { unavailable } from "../domain/errors.ts";
import type { IdentityTokens } from "../domain/user/user.ts";
import { withDeadline } from "./deadline.ts";

/** Codes by which a token itself is refused. */
const REFUSED = new Set([
  "auth/id-token-expired",
  "auth/id-token-revoked",
  "auth/invalid-id-token",
  "auth/user-disabled",
  "auth/user-not-found",
]);

/**
 * `auth/argument-error` says both that a token is bad and that Google's keys could not be fetched; only the
 * words differ.
 */
const ABOUT_TOKEN = /^(Firebase ID token|Decoding Firebase ID token|First argument|verifyIdToken)/;

/** Firebase Auth; the emulator when `FIREBASE_AUTH_EMULATOR_HOST` is set. `httpAgent` fetches Google's keys. */
export function openAuth(projectId: string, httpAgent?: Agent): Auth {
  const app: App = initializeApp({ projectId, ...(httpAgent ? { httpAgent } : {}) }, crypto.randomUUID());
  return getAuth(app);
}

/**
 * @param options.requireSecondFactor whether users must sign in with a second factor
 * @see IdentityTokens
 */
export function createIdentityTokens(
  auth: Pick<Auth, "verifyIdToken">,
  { requireSecondFactor = false } = {},
): IdentityTokens {
  return {
    async verify(token) {
      try {
        const { uid, email_verified, firebase } = await withDeadline("Auth", auth.verifyIdToken(token));
        return {
          id: uid,
          // Absent from the token of a user without an address.
          email_verified: email_verified === true,
          lacks_second_factor: requireSecondFactor && !firebase?.sign_in_second_factor,
        };
      } catch (error) {
        const { code, message } = error as { code?: string; message?: string };
        if (code && REFUSED.has(code)) return undefined;
        if (code === "auth/argument-error" && ABOUT_TOKEN.test(message ?? "")) return undefined;
        throw unavailable(error);
      }
    },
  };
}
