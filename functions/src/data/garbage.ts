import type { Firestore } from "@google-cloud/firestore";
import * as z from "zod";
import type { Garbage, GarbageItem } from "../domain/garbage/garbage.ts";
import { answered, Documents, date, deleteDocument, stored } from "./firestore.ts";

const documents = new Documents<GarbageItem>(
  z.object({ id: z.string(), object: z.string(), listed_at: date, due_at: date }),
);

/** `garbage/{item}` */
export function createGarbage(db: Firestore): Garbage {
  const collection = db.collection("garbage");
  return {
    async add(item) {
      const ref = collection.doc(item.id);
      const { writeTime } = await answered(ref.create(item));
      return stored(item, ref, writeTime);
    },
    isCurrent: (item) => documents.isCurrent(item),
    create: (item) => documents.create(collection.doc(item.id), item),
    replace: (was, now) => documents.replace(was, now),
    remove: (was) => documents.remove(was),
    forget: (id) => deleteDocument(collection.doc(id)),
    due: (at, limit) => documents.query(collection.where("due_at", "<=", at).orderBy("due_at").limit(limit)),
  };
}
