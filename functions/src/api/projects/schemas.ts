import * as z from "zod";
import type { Project } from "../../domain/project/project.ts";
import { time, toTime, uuid } from "../fields.ts";

export const ProjectShape = z
  .strictObject({
    id: uuid,
    organization_id: uuid,
    environment_id: uuid.nullable(),
    name: z.string(),
    phone_number: z.string().nullable(),
    website: z.string().nullable(),
    sandbox: z.boolean().meta({ description: "Devices may be registered by the customer. No plan's name." }),
    server_lookup_enabled: z
      .boolean()
      .meta({ description: "Identify and verify may be called with an API key." }),
    created_at: time,
  })
  .meta({ id: "Project" });

export const toProject = (project: Project): z.infer<typeof ProjectShape> => ({
  ...project,
  created_at: toTime(project.created_at),
});
