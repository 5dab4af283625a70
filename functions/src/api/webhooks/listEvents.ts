import * as z from "zod";
import type { Ctx } from "../../domain/context.ts";
import { invalid } from "../../domain/errors.ts";
import { EVENT_TYPES } from "../../domain/event/event.ts";
import * as events from "../../domain/event/listEvents.ts";
import { DEFAULT_PER_PAGE, pageQuery, pageShape, writeCursor } from "../../http/page.ts";
import { defineRoute } from "../../http/route.ts";
import { EventShape } from "./schemas.ts";

const { cursor, per_page } = pageQuery(1000);

export const listEvents = defineRoute({
  method: "GET",
  path: "/v1/project/{project_id}/events",
  operationId: "listEvents",
  fn: "webhooks",
  summary: "List events",
  description:
    "What webhooks push, to be pulled: the events of the last 30 days, oldest first. `next_cursor` is always there; " +
    "ask again with it later. Events come 5 seconds late, so that none is skipped.",
  auth: ["firebase", "apiKey"],
  permission: "events:read",
  scope: "project",
  query: z.strictObject({ cursor, per_page, event_type: z.enum(EVENT_TYPES).optional() }),
  response: pageShape(EventShape).meta({ id: "EventPage" }),
  errors: [],
  async handle(ctx: Ctx<"events">, { project, query }) {
    const { cursor, per_page = DEFAULT_PER_PAGE, event_type } = query;
    if (cursor?.range) throw invalid("cursor", "is no cursor of this list");
    const { events: found, next } = await events.listEvents(ctx, {
      project_id: project.id,
      after: cursor?.position,
      limit: per_page,
      event_type,
    });
    return {
      items: found.map(({ body }) => JSON.parse(body)),
      page: null,
      per_page,
      total_count: null,
      next_cursor: writeCursor(next, undefined),
    };
  },
});
