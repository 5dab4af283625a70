import type { DocumentReference, Firestore, Query } from "@google-cloud/firestore";
import * as z from "zod";
import { DISABLED_REASONS, SUBSCRIBABLE, type Webhook, type Webhooks } from "../domain/webhook/webhook.ts";
import { Documents, date, deleteDocument } from "./firestore.ts";

/** `busy`: it has chores; what the sweeper looks for. */
type WebhookRecord = Webhook & { busy: boolean };

const sealed = { kid: z.string(), sealed: z.instanceof(Uint8Array) };

const documents = new Documents<WebhookRecord>(
  z.object({
    id: z.string(),
    project_id: z.string(),
    url: z.string(),
    event_types: z.array(z.enum(SUBSCRIBABLE)),
    enabled: z.boolean(),
    description: z.string().nullable(),
    disabled_reason: z.enum(DISABLED_REASONS).nullable(),
    secret: z.object(sealed),
    old_secret: z.object({ ...sealed, until: date }).nullable(),
    slot: z.int(),
    created_at: date,
    updated_at: date,
    last_success_at: date.nullable(),
    first_failure_at: date.nullable(),
    blocked: z.int(),
    chores: z.object({
      resume: date.nullable(),
      recover: z.object({ since: date, asked_at: date }).nullable(),
      remove: z.boolean(),
    }),
    busy: z.boolean(),
  }),
);

const slots = new Documents<{ webhook_id: string; slot: number }>(
  z.object({ webhook_id: z.string(), slot: z.int() }),
);

const toRecord = (webhook: Webhook): WebhookRecord => {
  const { resume, recover, remove } = webhook.chores;
  return { ...webhook, busy: resume !== null || recover !== null || remove };
};

const fromRecord = ({ busy: _, ...webhook }: WebhookRecord): Webhook => webhook;

/** `projects/{project}/webhooks/{webhook}` and `projects/{project}/webhookslots/{0..24}`, whose creation is the limit. */
export function createWebhooks(db: Firestore): Webhooks {
  const project = (id: string) => db.collection("projects").doc(id);
  const webhooksOf = (project_id: string) => project(project_id).collection("webhooks");
  const slotsOf = (project_id: string) => project(project_id).collection("webhookslots");
  const ref = (project_id: string, id: string) => webhooksOf(project_id).doc(id);
  const slotRef = ({ project_id, slot }: Webhook) => slotsOf(project_id).doc(`${slot}`);
  const read = async (at: DocumentReference) => {
    const found = await documents.get(at);
    return found && { ...found, value: fromRecord(found.value) };
  };
  const query = async (what: Query) =>
    (await documents.query(what)).map((found) => ({ ...found, value: fromRecord(found.value) }));
  return {
    async get(project_id, id) {
      const found = await read(ref(project_id, id));
      return found?.value.chores.remove ? undefined : found;
    },
    again: ({ project_id, id }) => read(ref(project_id, id)),
    async ofProject(project_id) {
      const found = await query(webhooksOf(project_id));
      return found.map(({ value }) => value).filter(({ chores }) => !chores.remove);
    },
    create: (webhook) => documents.create(ref(webhook.project_id, webhook.id), toRecord(webhook)),
    replace: (was, now) => documents.replace(was, toRecord(now)),
    remove: (was) => documents.remove(was),
    async slots(project_id) {
      return (await slots.query(slotsOf(project_id))).map(({ value }) => value.slot);
    },
    takeSlot: (webhook) => slots.create(slotRef(webhook), { webhook_id: webhook.id, slot: webhook.slot }),
    freeSlot: (webhook) => deleteDocument(slotRef(webhook)),
    withChores: (limit) => query(db.collectionGroup("webhooks").where("busy", "==", true).limit(limit)),
    async *all() {
      const everywhere = db.collectionGroup("webhooks");
      for await (const page of documents.pages(everywhere)) yield page.map(fromRecord);
    },
  };
}
