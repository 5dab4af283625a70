import { documented } from "../../functions/src/api/documented.ts";
import type { Credential, Route } from "../../functions/src/http/route.ts";
import { markdownTable } from "./markdown.ts";

const CREDENTIALS: Record<Credential, string> = {
  firebase: "user",
  apiKey: "API key",
  deviceKey: "terminal",
  claimToken: "claim token",
};

const row = ({ method, path, operationId, summary, auth, deprecated }: Route): string[] => [
  `\`${method} ${path}\``,
  operationId,
  summary + (deprecated ? "; deprecated" : ""),
  auth === "public" ? "–" : auth.map((kind) => CREDENTIALS[kind]).join(", "),
];

/** Every operation, by group. */
export const endpoints = (): string =>
  Object.entries(documented.tags)
    .map(
      ([group, { title }]) =>
        `**${title}**\n\n${markdownTable(["endpoint", "operation", "does", "credential"], (documented.groups[group] ?? []).map(row))}`,
    )
    .join("\n\n");
