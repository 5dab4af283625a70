import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { attempts } from "./generated/attempts.ts";
import { endpoints } from "./generated/endpoints.ts";
import { fill } from "./generated/fill.ts";
import { bodies, counts, lists, rateLimits } from "./generated/limits.ts";
import { ROOT } from "./profiles.ts";

/*
 * What pages say in the code's own words: `--write` writes it between the marks of each, `--check` compares it.
 */

const GENERATED: Record<string, Record<string, () => string>> = {
  "README.md": { endpoints },
  "docs/limits.md": { rateLimits, bodies, lists, counts },
  "docs/webhooks.md": { attempts },
};

const mode = process.argv[2];
if (mode !== "--write" && mode !== "--check") {
  console.error("usage: node scripts/generated.ts --write|--check");
  process.exit(1);
}
for (const [page, parts] of Object.entries(GENERATED)) {
  const path = join(ROOT, page);
  const text = readFileSync(path, "utf8");
  const wanted = Object.entries(parts).reduce(
    (filled, [name, write]) => fill(filled, name, "npm run generate", write()),
    text,
  );
  if (wanted === text) continue;
  if (mode === "--write") {
    writeFileSync(path, wanted);
  } else {
    console.error(`${page} is not what the code says: npm run generate`);
    process.exitCode = 1;
  }
}
