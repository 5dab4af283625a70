import type { CollectionReference } from "@google-cloud/firestore";
import { openStorage } from "../../functions/src/data/storage.ts";
import { db } from "./firestore.ts";

/** Every document below some collections, subcollections included, as path and fields. */
export async function* documentsBelow(
  collections: readonly CollectionReference[],
): AsyncIterable<{ path: string; fields: Record<string, unknown> }> {
  for (const collection of collections) {
    // Listed, not queried: a document may be missing and have subcollections all the same.
    for (const ref of await collection.listDocuments()) {
      const fields = (await ref.get()).data();
      if (fields) yield { path: ref.path, fields };
      yield* documentsBelow(await ref.listCollections());
    }
  }
}

/** Every document of the suite's Firestore. */
export async function* everyDocument(): ReturnType<typeof documentsBelow> {
  yield* documentsBelow(await db().listCollections());
}

/** Every object of the suite's bucket below a path, with its bytes. */
export async function objectsBelow(prefix: string): Promise<{ path: string; bytes: Buffer }[]> {
  const [files] = await openStorage("demo-palmgate-test")
    .bucket(process.env["TEMPLATE_BUCKET"] ?? "")
    .getFiles({ prefix });
  return Promise.all(files.map(async (file) => ({ path: file.name, bytes: (await file.download())[0] })));
}
