import * as z from "zod";
import type { AttemptTask } from "../domain/delivery/queue.ts";

/** A task as it comes back from the queue. */
export const schema: z.ZodType<AttemptTask> = z.object({
  project_id: z.string().min(1),
  webhook_id: z.string().min(1),
  delivery_id: z.string().min(1),
  attempt: z.int().min(1),
});
