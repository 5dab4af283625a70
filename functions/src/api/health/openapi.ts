import * as z from "zod";
import { defineRoute } from "../../http/route.ts";

export const openapi = defineRoute({
  method: "GET",
  path: "/v1/openapi.json",
  operationId: "openapi",
  fn: "health",
  summary: "This document",
  description:
    "The API as OpenAPI 3.1. Caches may keep it for five minutes; with `If-None-Match` an unchanged one is 304.",
  auth: "public",
  scope: "public",
  rate: "address",
  maxAge: 300,
  // An enumeration of one: what makes clients takes a constant beside other properties for a value.
  response: z.looseObject({ openapi: z.enum(["3.1.0"]) }).meta({ id: "OpenApi" }),
  errors: [],
  async handle() {
    // Loaded when it is asked for: it is larger than all the function's code.
    const { default: document } = await import("../../../../openapi.json", { with: { type: "json" } });
    return document as { openapi: "3.1.0" };
  },
});
