import { globSync, readFileSync } from "node:fs";
import { openStorage } from "../../functions/src/data/storage.ts";
import { db } from "./firestore.ts";

const ADAPTERS = new URL("../../functions/src/data/", import.meta.url);

/** The name of every collection that an adapter names; nobody else writes any. */
export const COLLECTIONS: readonly string[] = [
  ...new Set(
    globSync("**/*.ts", { cwd: ADAPTERS }).flatMap((file) =>
      [...readFileSync(new URL(file, ADAPTERS), "utf8").matchAll(/\.collection\(\s*"(\w+)"\s*,?\s*\)/g)].map(
        ([, name]) => name as string,
      ),
    ),
  ),
];

/** Every document of the suite's Firestore, wherever its collection lies. */
export async function everyDocument(): Promise<{ path: string; fields: Record<string, unknown> }[]> {
  const groups = await Promise.all(COLLECTIONS.map((name) => db().collectionGroup(name).get()));
  return groups.flatMap(({ docs }) => docs.map((doc) => ({ path: doc.ref.path, fields: doc.data() })));
}

/** These documents, as far as they are there, and every document below them. */
export async function documentsBelow(...paths: string[]): ReturnType<typeof everyDocument> {
  const found = await Promise.all(
    paths.map(async (path) => {
      const ref = db().doc(path);
      const [document, collections] = await Promise.all([ref.get(), ref.listCollections()]);
      const below = await Promise.all(collections.map((collection) => collection.listDocuments()));
      const fields = document.data();
      return [
        ...(fields ? [{ path, fields }] : []),
        ...(await documentsBelow(...below.flat().map((one) => one.path))),
      ];
    }),
  );
  return found.flat();
}

/** All that a value of Firestore holds, one after the other. */
export function flatten(value: unknown): Buffer {
  if (value instanceof Uint8Array) return Buffer.from(value);
  if (typeof value === "object" && value !== null) return Buffer.concat(Object.values(value).map(flatten));
  return Buffer.from(String(value));
}

/** Every object of the suite's bucket below a path, with its bytes. */
export async function objectsBelow(prefix: string): Promise<{ path: string; bytes: Buffer }[]> {
  const [files] = await openStorage("demo-palmgate-test")
    .bucket(process.env["TEMPLATE_BUCKET"] ?? "")
    .getFiles({ prefix });
  const found = await Promise.all(
    files.map(async (file) => {
      const bytes = await file.download().then(
        ([content]) => content,
        (error: { code?: number }) => {
          // Since it was listed the sweeper may have come by.
          if (error.code === 404) return undefined;
          throw error;
        },
      );
      return bytes ? [{ path: file.name, bytes }] : [];
    }),
  );
  return found.flat();
}
