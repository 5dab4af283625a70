import type { Storage } from "@google-cloud/storage";
import { unavailable } from "../domain/errors.ts";
import type { Templates } from "../domain/palm/templates.ts";

/** Sealed templates as objects of one private bucket. */
export function createTemplates(storage: Storage, bucketName: string): Templates {
  const bucket = storage.bucket(bucketName);
  return {
    async put(object, sealed) {
      try {
        await bucket.file(object).save(Buffer.from(sealed), {
          resumable: false,
          contentType: "application/octet-stream",
          metadata: { cacheControl: "no-store" },
        });
      } catch (error) {
        throw unavailable(error);
      }
    },
    async delete(object) {
      try {
        await bucket.file(object).delete({ ignoreNotFound: true });
      } catch (error) {
        throw unavailable(error);
      }
    },
  };
}
