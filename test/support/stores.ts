import { openStorage } from "../../functions/src/data/storage.ts";
import { db } from "./firestore.ts";

type Collection = ReturnType<ReturnType<typeof db>["collection"]>;

interface StoredDocument {
  path: string;
  fields: Record<string, unknown>;
}

/** Every document of the suite's Firestore, those below missing documents included. */
export async function everyDocument(): Promise<StoredDocument[]> {
  const found: StoredDocument[] = [];
  const walk = async (collection: Collection): Promise<void> => {
    const refs = await collection.listDocuments();
    if (refs.length === 0) return;
    for (const snapshot of await db().getAll(...refs)) {
      const fields = snapshot.data();
      if (fields) found.push({ path: snapshot.ref.path, fields });
    }
    const below = await Promise.all(refs.map((ref) => ref.listCollections()));
    for (const inner of below.flat()) await walk(inner);
  };
  for (const collection of await db().listCollections()) await walk(collection);
  return found;
}

/** Every object of the suite's bucket below a path, with its bytes. */
export async function objectsBelow(prefix: string): Promise<{ path: string; bytes: Buffer }[]> {
  const [files] = await openStorage("demo-palmgate-test")
    .bucket(process.env["TEMPLATE_BUCKET"] ?? "")
    .getFiles({ prefix });
  return Promise.all(files.map(async (file) => ({ path: file.name, bytes: (await file.download())[0] })));
}
