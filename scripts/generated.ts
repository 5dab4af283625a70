import { attempts } from "./generated/attempts.ts";
import { endpoints } from "./generated/endpoints.ts";
import { fill } from "./generated/fill.ts";
import { keep } from "./generated/keep.ts";
import { bodies, counts, lists, rateLimits } from "./generated/limits.ts";

/*
 * What pages say in the code's own words: `--write` writes it between the marks of each, `--check` compares it.
 */

const GENERATED: Record<string, Record<string, () => string>> = {
  "README.md": { endpoints },
  "docs/limits.md": { rateLimits, bodies, lists, counts },
  "docs/webhooks.md": { attempts },
};

for (const [page, parts] of Object.entries(GENERATED)) {
  await keep(page, "npm run generate", (now) =>
    Object.entries(parts).reduce(
      (filled, [name, write]) => fill(filled, name, "npm run generate", write()),
      now,
    ),
  );
}
