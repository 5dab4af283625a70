import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { documented } from "../functions/src/api/documented.ts";
import { openApi } from "../functions/src/http/openapi.ts";
import { keep } from "./generated/keep.ts";
import { ROOT } from "./profiles.ts";

/*
 * openapi.json, made of the route table and of recorded examples: `--write` writes it, `--check` compares it, `--record`
 * records the examples anew, on a suite of its own, and writes both.
 */

const OPENAPI = "openapi.json";
const EXAMPLES = join(ROOT, "scripts", "openapi", "examples.json");

const print = (value: unknown): string => `${JSON.stringify(value, undefined, 2)}\n`;
const wanted = (): string =>
  print(openApi({ ...documented, examples: JSON.parse(readFileSync(EXAMPLES, "utf8")) }));

if (process.argv.includes("--record")) {
  // Loaded for it alone: it brings palms and emulators.
  const { record } = await import("./openapi/record.ts");
  try {
    writeFileSync(EXAMPLES, print(await record()));
    writeFileSync(join(ROOT, OPENAPI), wanted());
  } catch (error) {
    console.error(`openapi: ${error instanceof Error ? error.message : error}`);
    process.exitCode = 1;
  }
} else {
  await keep(OPENAPI, "npm run openapi", wanted);
}
