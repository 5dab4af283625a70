import { createHash } from "node:crypto";
import type { Firestore } from "@google-cloud/firestore";
import * as z from "zod";
import { formsOf } from "../domain/member/externalId.ts";
import type { Member, Members } from "../domain/member/member.ts";
import { Documents, date, deleteDocument } from "./firestore.ts";

/** Metadata is stored as JSON text: Firestore refuses some names of map keys, our callers may use any. */
interface MemberRecord extends Omit<Member, "metadata"> {
  metadata: string;
}

const documents = new Documents<MemberRecord>(
  z.object({
    id: z.string(),
    project_id: z.string(),
    name: z.string().nullable(),
    external_id: z.string().nullable(),
    email: z.string().nullable(),
    phone_number: z.string().nullable(),
    metadata: z.string(),
    palm_ids: z.array(z.string()),
    last_session_id: z.string().nullable(),
    created_at: date,
    updated_at: date,
  }),
);

const toRecord = (member: Member): MemberRecord => ({ ...member, metadata: JSON.stringify(member.metadata) });

const metadata = z.record(z.string(), z.string());
const fromRecord = (record: MemberRecord): Member => ({
  ...record,
  metadata: metadata.parse(JSON.parse(record.metadata)),
});

/** `projects/{project}/members/{member}` and `projects/{project}/externalids/{sha256}`, whose creation is uniqueness. */
export function createMembers(db: Firestore): Members {
  const membersOf = (project_id: string) => db.collection("projects").doc(project_id).collection("members");
  const ref = (project_id: string, id: string) => membersOf(project_id).doc(id);
  const claimRef = (project_id: string, external_id: string) =>
    db
      .collection("projects")
      .doc(project_id)
      .collection("externalids")
      .doc(createHash("sha256").update(external_id).digest("hex"));
  return {
    async get(project_id, id) {
      const found = await documents.get(ref(project_id, id));
      return found && { ...found, value: fromRecord(found.value) };
    },
    create: (member) => documents.create(ref(member.project_id, member.id), toRecord(member)),
    replace: (was, now) => documents.replace(was, toRecord(now)),
    remove: (was) => documents.remove(was),
    ofProject: (project_id) => documents.list(membersOf(project_id), fromRecord),
    claimExternalId: (member, external_id) =>
      claims.create(claimRef(member.project_id, external_id), { member_id: member.id }),
    releaseExternalId: (project_id, external_id) => deleteDocument(claimRef(project_id, external_id)),
    async withExternalId(project_id, external_id) {
      const forms = formsOf(external_id).map((form) => claims.get(claimRef(project_id, form)));
      return (await Promise.all(forms)).find((claim) => claim !== undefined)?.value.member_id;
    },
  };
}

const claims = new Documents<{ member_id: string }>(z.object({ member_id: z.string() }));
