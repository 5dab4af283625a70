import type { Firestore } from "@google-cloud/firestore";
import type { Storage } from "@google-cloud/storage";
import type { Auth } from "firebase-admin/auth";
import type { Check } from "../domain/health/checkHealth.ts";

/** Nobody and nothing has this id: asking for it costs a service the least. */
const NOBODY = "health";

/** One cheap read of Firestore. */
export const createFirestoreCheck = (db: Firestore): Check => ({
  name: "firestore",
  critical: true,
  async run() {
    await db.collection("organizations").doc(NOBODY).get();
  },
});

/** One look-up of a user that does not exist. */
export const createAuthCheck = (auth: Auth): Check => ({
  name: "auth",
  critical: true,
  async run() {
    try {
      await auth.getUser(NOBODY);
    } catch (error) {
      if ((error as { code?: string }).code !== "auth/user-not-found") throw error;
    }
  },
});

/** One look at an object that does not exist, in the bucket of templates. */
export const createStorageCheck = (storage: Storage, bucket: string): Check => ({
  name: "storage",
  critical: false,
  async run() {
    await storage.bucket(bucket).file(NOBODY).exists();
  },
});
