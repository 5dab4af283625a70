import { openFirestore } from "../../functions/src/data/firestore.ts";

type Firestore = ReturnType<typeof openFirestore>;

let opened: Firestore | undefined;

/** The suite's Firestore, past all adapters: for what a test plants, breaks or counts. */
export function db(): Firestore {
  opened ??= openFirestore(process.env["GCLOUD_PROJECT"] ?? "demo-palmgate-test");
  return opened;
}
