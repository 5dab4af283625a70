import * as z from "zod";
import type { Member } from "../../domain/member/member.ts";
import { email } from "../email.ts";
import { externalId, patchOf, text, time, toTime, uuid } from "../fields.ts";

const MAX_METADATA_KEYS = 50;

const metadata = z
  .record(text(40), text(500, { min: 0 }))
  .refine(
    (value) => Object.keys(value).length <= MAX_METADATA_KEYS,
    `has more than ${MAX_METADATA_KEYS} keys`,
  )
  .meta({ maxProperties: MAX_METADATA_KEYS });

export const MemberShape = z
  .strictObject({
    id: uuid,
    project_id: uuid,
    name: z.string().nullable(),
    external_id: z.string().nullable().meta({
      description: "Your own id; unique in the project. Kept in Unicode's NFC, whatever form was sent.",
    }),
    email: z.string().nullable(),
    phone_number: z.string().nullable().meta({ description: "E.164." }),
    metadata: z.record(z.string(), z.string()),
    palms: z.int().min(0).meta({ description: "How many palms are enrolled." }),
    created_at: time,
    updated_at: time,
  })
  .meta({ id: "Member" });

const fields = {
  name: text(200).nullish(),
  external_id: externalId(200)
    .nullish()
    .meta({
      description:
        "Your own id; unique in the project. Compared and kept in Unicode's NFC, upper and lower case being different. No " +
        "white space at either end, no format characters (Unicode Cf).",
    }),
  email: email.nullish(),
  phone_number: z.e164("is no E.164 phone number").nullish(),
  metadata: metadata.nullish(),
};

export const CreateMemberBody = z.strictObject(fields).meta({ id: "CreateMember" });

export const UpdateMemberBody = patchOf("UpdateMember", fields);

export const toMember = ({
  palm_ids,
  last_session_id: _,
  ...member
}: Member): z.infer<typeof MemberShape> => ({
  ...member,
  metadata: { ...member.metadata },
  palms: palm_ids.length,
  created_at: toTime(member.created_at),
  updated_at: toTime(member.updated_at),
});
