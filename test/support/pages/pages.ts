import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { ROOT } from "../../../scripts/profiles.ts";

/** Every page that tells somebody how to use or change the project, in the order in which they are tried. */
export const PAGES: readonly string[] = ["*.md", "docs/**/*.md", "clients/*/*.md"].flatMap((pattern) =>
  globSync(pattern, { cwd: ROOT }).sort(),
);

export const readPage = (page: string): string => readFileSync(join(ROOT, page), "utf8");
