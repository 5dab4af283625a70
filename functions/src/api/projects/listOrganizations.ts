import * as z from "zod";
import type { Ctx } from "../../domain/context.ts";
import * as organizations from "../../domain/organization/listOrganizations.ts";
import { defineRoute } from "../../http/route.ts";
import { OrganizationShape, toOrganization } from "./schemas.ts";

export const listOrganizations = defineRoute({
  method: "GET",
  path: "/v1/organizations",
  operationId: "listOrganizations",
  fn: "projects",
  summary: "List organizations",
  description: "The organizations that the console user administers, newest first.",
  auth: ["firebase"],
  scope: "caller",
  response: z.array(OrganizationShape),
  errors: [],
  async handle(ctx: Ctx<"organizations">, { actor }) {
    return (await organizations.listOrganizations(ctx, { actor })).map(toOrganization);
  },
});
