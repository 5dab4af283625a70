import * as z from "zod";
import type { ApiKey, NewApiKey } from "../../domain/apikey/apikey.ts";
import { PERMISSIONS } from "../../domain/apikey/permission.ts";
import { isStorable } from "../../http/range.ts";
import { moment } from "../../http/time.ts";
import { text, time, toTime, toTimeOrNull, uuid } from "../fields.ts";

const permission = z.enum(PERMISSIONS).meta({ id: "Permission" });

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
    permissions: z
      .array(permission)
      .nullable()
      .meta({ description: "The operations that it may use; `null`: all of them, later ones too." }),
    created_at: time,
    expires_at: time.nullable().meta({ description: "From then on it is refused; `null`: never." }),
    last_used_at: time.nullable().meta({ description: "Written at most once a minute." }),
    revoked_at: time.nullable().meta({ description: "From then on it is refused; may lie ahead." }),
  })
  .meta({ id: "ApiKey" });

export const NewApiKeyShape = ApiKeyShape.extend({
  key: z.string().meta({ description: "The whole key. Shown in this answer only." }),
}).meta({ id: "NewApiKey" });

/** What every new key can be given. */
export const apiKeyFields = {
  name: text(200),
  permissions: z
    .array(permission)
    .min(1)
    .max(PERMISSIONS.length)
    .superRefine((permissions, context) => {
      for (const [index, one] of permissions.entries()) {
        if (permissions.indexOf(one) === index) continue;
        context.addIssue({ code: "custom", path: [index], message: "is a duplicate" });
      }
    })
    .meta({ uniqueItems: true })
    .nullish()
    .meta({ description: "The operations that the key may use; `null` or absent: all of them." }),
  expires_at: moment.refine(isStorable, "must be before the year 10000").nullish().meta({
    description: "From then on the key is refused; must be in the future. `null` or absent: never.",
  }),
};

export const CreateApiKeyBody = z
  .strictObject({
    ...apiKeyFields,
    project_ids: z
      .array(uuid)
      .min(1)
      .max(100)
      .superRefine((ids, context) => {
        for (const [index, id] of ids.entries()) {
          if (ids.indexOf(id) === index) continue;
          context.addIssue({ code: "custom", path: [index], message: "is in the list already" });
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
    permissions: key.permissions && [...key.permissions],
    created_at: toTime(key.created_at),
    expires_at: toTimeOrNull(key.expires_at),
    last_used_at: toTimeOrNull(key.last_used_at),
    revoked_at: toTimeOrNull(key.revoked_at),
  };
}
