import * as z from "zod";
import type { ApiKey, NewApiKey } from "../../domain/apikey/apikey.ts";
import { text, time, toTime, toTimeOrNull, uuid } from "../fields.ts";

export const ApiKeyShape = z
  .strictObject({
    id: uuid,
    prefix: z
      .string()
      .meta({ description: "What the key begins with: enough to recognise it, not to use it." }),
    organization_id: uuid,
    name: z.string(),
    created_by_user_id: z.string(),
    project_ids: z
      .array(uuid)
      .nullable()
      .meta({ description: "The projects that it opens; `null`: all of the organization, later ones too." }),
    created_at: time,
    last_used_at: time.nullable().meta({ description: "Written at most once a minute." }),
    revoked_at: time.nullable().meta({ description: "From then on it is refused; may lie ahead." }),
  })
  .meta({ id: "ApiKey" });

export const NewApiKeyShape = ApiKeyShape.extend({
  key: z.string().meta({ description: "The whole key. Shown in this answer only." }),
}).meta({ id: "NewApiKey" });

export const CreateApiKeyBody = z
  .strictObject({
    name: text(200),
    project_ids: z
      .array(uuid)
      .min(1)
      .max(100)
      .superRefine((ids, context) => {
        for (const [index, id] of ids.entries()) {
          if (ids.indexOf(id) === index) continue;
          context.addIssue({ code: "custom", path: [index], message: "stands in the list already" });
        }
      })
      .nullable(),
  })
  .meta({ id: "CreateApiKey" });

/** A new key, whole: the one time that it is shown. */
export const toNewApiKey = ({ key, ...record }: NewApiKey): z.infer<typeof NewApiKeyShape> => ({
  ...toApiKey(record),
  key,
});

/** An API key as the wire shows it: never its hash. */
export function toApiKey(key: ApiKey): z.infer<typeof ApiKeyShape> {
  return {
    id: key.id,
    prefix: key.prefix,
    organization_id: key.organization_id,
    name: key.name,
    created_by_user_id: key.created_by_user_id,
    project_ids: key.project_ids && [...key.project_ids],
    created_at: toTime(key.created_at),
    last_used_at: toTimeOrNull(key.last_used_at),
    revoked_at: toTimeOrNull(key.revoked_at),
  };
}
