import type { Firestore } from "@google-cloud/firestore";
import * as z from "zod";
import { type Environment, type Environments, TEMPLATE_FORMATS } from "../domain/environment/environment.ts";
import { Documents, date } from "./firestore.ts";

const documents = new Documents<Environment>(
  z.object({
    id: z.string(),
    organization_id: z.string(),
    type: z.enum(["organization", "global"]),
    template_format: z.enum(TEMPLATE_FORMATS),
    target_fpir: z.number(),
    server_lookup_allowed: z.boolean(),
    calibration: z
      .object({
        scores: z.array(z.number()).min(2),
        slope: z.number(),
        comparisons: z.number(),
        palms: z.number(),
        calibrated_at: date,
      })
      .nullable()
      .default(null),
    created_at: date,
  }),
);

/** `environments/{environment}` */
export function createEnvironments(db: Firestore): Environments {
  const collection = db.collection("environments");
  return {
    get: (id) => documents.get(collection.doc(id)),
    async all() {
      return (await documents.query(collection)).map(({ value }) => value);
    },
    create: (environment) => documents.create(collection.doc(environment.id), environment),
    replace: (was, now) => documents.replace(was, now),
  };
}
