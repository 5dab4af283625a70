import type { File, Storage } from "@google-cloud/storage";
import { unavailable } from "../domain/errors.ts";
import type { Templates } from "../domain/palm/templates.ts";
import { withDeadline } from "./deadline.ts";

/**
 * Sealed templates as objects of one private bucket.
 * @param open is asked for the client once, when the first object is written or deleted.
 */
export function createTemplates(open: () => Promise<Storage>, bucket: string): Templates {
  let opened: Promise<Storage> | undefined;
  const file = async (object: string): Promise<File> => {
    opened ??= open();
    return (await opened).bucket(bucket).file(object);
  };
  const answered = (operation: () => Promise<void>): Promise<void> =>
    withDeadline("Storage", operation()).catch((error: unknown) => {
      throw unavailable(error);
    });
  return {
    put: (object, sealed) =>
      answered(async () => {
        await (await file(object)).save(Buffer.from(sealed), {
          resumable: false,
          contentType: "application/octet-stream",
          metadata: { cacheControl: "no-store" },
        });
      }),
    delete: (object) =>
      answered(async () => {
        await (await file(object)).delete({ ignoreNotFound: true });
      }),
  };
}
