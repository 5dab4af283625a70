import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { documented } from "../functions/src/api/documented.ts";
import { type OperationExample, openApi } from "../functions/src/http/openapi.ts";
import { ROOT } from "./profiles.ts";

/*
 * openapi.json, made of the route table and of examples that were recorded: `--write` writes it, `--check` compares it.
 */

const PATH = join(ROOT, "openapi.json");

const examples: Record<string, OperationExample[]> = {};

const wanted = `${JSON.stringify(openApi({ ...documented, examples }), undefined, 2)}\n`;
if (process.argv.includes("--write")) {
  writeFileSync(PATH, wanted);
} else if (process.argv.includes("--check")) {
  if (readFileSync(PATH, "utf8") !== wanted) {
    console.error("openapi.json is not what the routes say: npm run openapi");
    process.exitCode = 1;
  }
} else {
  console.error("usage: node scripts/openapi.ts --write|--check");
  process.exitCode = 1;
}
