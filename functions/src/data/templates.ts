import type { Storage } from "@google-cloud/storage";
import { unavailable } from "../domain/errors.ts";
import type { Templates } from "../domain/palm/templates.ts";
import { withDeadline } from "./deadline.ts";

/** Sealed templates as objects of one private bucket. */
export function createTemplates(storage: Storage, bucketName: string): Templates {
  const bucket = storage.bucket(bucketName);
  const answered = async (operation: Promise<unknown>): Promise<void> => {
    await withDeadline("Storage", operation).catch((error: unknown) => {
      throw unavailable(error);
    });
  };
  return {
    put: (object, sealed) =>
      answered(
        bucket.file(object).save(Buffer.from(sealed), {
          resumable: false,
          contentType: "application/octet-stream",
          metadata: { cacheControl: "no-store" },
        }),
      ),
    delete: (object) => answered(bucket.file(object).delete({ ignoreNotFound: true })),
  };
}
