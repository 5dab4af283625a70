import { join } from "node:path";
import { pathToFileURL } from "node:url";

/** Reads its program from stdin, and so finds packages from the shell's folder on. */
const NODE = `"${process.execPath}" --import "${pathToFileURL(join(import.meta.dirname, "resolve.ts")).href}"`;

/**
 * What is run, by language: @returns for the file that holds a block's text the line of bash that runs it. All of it happens in
 * the page's shell, so a program finds there what the page has exported.
 */
export const RUN: Record<string, (file: string) => string> = {
  bash: (file) => `. "${file}" < /dev/null`,
  js: (file) => `${NODE} --input-type=module < "${file}"`,
  ts: (file) => `${NODE} --input-type=module-typescript < "${file}"`,
};
