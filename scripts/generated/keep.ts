import { readFileSync, writeFileSync } from "node:fs";
import { join, relative } from "node:path";
import { ROOT } from "../profiles.ts";

/**
 * Writes a file that is made of others (`--write`), or says that it is not what they say (`--check`). Without either it says
 * how the script is called, and ends.
 * @param path below the repository's folder
 * @param make the whole file, of what it is now
 * @param command writes it
 */
export async function keep(
  path: string,
  command: string,
  make: (now: string) => string | Promise<string>,
): Promise<void> {
  const mode = process.argv[2];
  if (mode !== "--write" && mode !== "--check") {
    console.error(`usage: node ${relative(ROOT, process.argv[1] ?? "")} --write|--check`);
    process.exit(1);
  }
  const file = join(ROOT, path);
  const now = readFileSync(file, "utf8");
  const wanted = await make(now);
  if (wanted === now) return;
  if (mode === "--write") {
    writeFileSync(file, wanted);
  } else {
    console.error(`${path} is not what it is made of: ${command}`);
    process.exitCode = 1;
  }
}
