import { execFile, spawnSync } from "node:child_process";
import { randomUUID } from "node:crypto";
import { existsSync, globSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { allRoutes } from "../functions/src/api/routes.ts";
import { interruption } from "./emulators.ts";
import { ROOT } from "./profiles.ts";
import { printTable } from "./table.ts";
import { startWorld } from "./world-start.ts";

/*
 * Holds README.md to what it says. Every ```bash block is run as it stands, in one shell, on what `npm start` starts
 * (with `--running` it has been started already); a ```json, ```csv or ```text block after it is what it must print, … being
 * anything, and the rest at the end of an array or of lines.
 */

interface Example {
  line: number;
  script: string;
  /** The answer as README shows it; undefined when the block is to print nothing. */
  shown: { language: "json" | "csv" | "text"; text: string } | undefined;
}

const readme = readFileSync(join(ROOT, "README.md"), "utf8");
const interrupted = interruption();
const row = printTable([
  { title: "line", width: 4, right: true, look: "dim" },
  { title: "README.md says", width: 76 },
  { title: "it is so", width: 8, look: "verdict" },
]);
let faults = 0;
try {
  const before = workingTree();
  report(undefined, "has every endpoint in its table", missingRoutes());
  report(undefined, "links to files that exist", brokenLinks());
  await checkExamples();
  const changed = workingTree().filter((file) => !before.includes(file));
  report(undefined, "leaves the working tree as it was", changed);
} catch (error) {
  console.error(`readme-check: ${error instanceof Error ? error.message : error}`);
  faults += 1;
}
process.exitCode = faults > 0 ? 1 : 0;

async function checkExamples(): Promise<void> {
  const examples = findExamples();
  if (examples.length === 0) throw new Error("README.md has no example");
  if (process.argv.includes("--running")) return tryExamples(examples);
  const importDir = join(ROOT, "emulator-data");
  const suite = await startWorld({ profile: "dev", importDir, signal: interrupted });
  try {
    await tryExamples(examples);
  } finally {
    await suite.stop();
  }
}

async function tryExamples(examples: readonly Example[]): Promise<void> {
  const printed = await run(examples);
  for (const [index, { line, script, shown }] of examples.entries()) {
    const title = script.replaceAll(/\s+/g, " ");
    report(line, title, compare(shown, printed[index]));
  }
}

function findExamples(): Example[] {
  const fences = [...readme.matchAll(/^```(\w*)\n(.*?)^```$/gms)];
  return fences.flatMap(([, language, script = ""], index) => {
    if (language !== "bash") return [];
    const [, next, text = ""] = fences[index + 1] ?? [];
    const line = readme.slice(0, fences[index]?.index).split("\n").length + 1;
    const shown: Example["shown"] =
      next === "json" || next === "csv" || next === "text" ? { language: next, text } : undefined;
    return [{ line, script, shown }];
  });
}

/** @returns what each example printed; less than there are examples when the shell ended early. */
async function run(examples: readonly Example[]): Promise<string[]> {
  const mark = `--- ${randomUUID()} ---`;
  const commands = examples.map(({ script }) => `${script}\nprintf '%s' '${mark}'`).join("\n");
  const { stdout } = await promisify(execFile)("bash", ["-c", commands], { cwd: ROOT, signal: interrupted });
  return stdout.split(mark).slice(0, -1);
}

function compare(shown: Example["shown"], printed: string | undefined): string[] {
  if (printed === undefined) return ["was never reached"];
  if (shown === undefined) return printed === "" ? [] : [`prints ${printed}`];
  if (shown.language !== "json")
    return compareLines(shown.text, printed, shown.language === "csv" ? "\r\n" : "\n");
  const wanted: unknown = JSON.parse(shown.text);
  try {
    return differences(wanted, JSON.parse(printed), "the answer");
  } catch {
    return [`prints no JSON but ${JSON.stringify(printed)}`];
  }
}

function compareLines(shown: string, printed: string, end: string): string[] {
  if (!printed.endsWith(end)) return ["prints a last line without its end"];
  const rows = printed.split(end);
  const wanted = shown.trimEnd().split("\n");
  if (wanted.at(-1) !== "…" && rows.length - 1 > wanted.length) return [`prints ${rows.length - 1} rows`];
  return wanted.flatMap((row, i) => (fits(row, rows[i] ?? "") ? [] : [`row ${i} is ${rows[i]}, not ${row}`]));
}

function differences(shown: unknown, came: unknown, at: string): string[] {
  if (shown === "…" && came !== undefined) return [];
  if (Array.isArray(shown) && Array.isArray(came) && shown.at(-1) === "…") {
    const first = shown.slice(0, -1);
    return differences(first, came.slice(0, first.length), at);
  }
  if (isObject(shown) && isObject(came)) {
    const names = new Set([...Object.keys(shown), ...Object.keys(came)]);
    return [...names].flatMap((name) => differences(shown[name], came[name], `${at}'s ${name}`));
  }
  if (typeof shown === "string" && typeof came === "string" && fits(shown, came)) return [];
  return shown === came ? [] : [`${at} is ${JSON.stringify(came)}, not ${JSON.stringify(shown)}`];
}

/** An object, or an array as an object of its indexes. */
function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null;
}

function fits(pattern: string, text: string): boolean {
  const parts = pattern.split("…").map((part) => part.replaceAll(/[\\^$.*+?()[\]{}|]/g, "\\$&"));
  return new RegExp(`^${parts.join(".*")}$`, "s").test(text);
}

function missingRoutes(): string[] {
  const wanted = allRoutes.map(({ method, path }) => `\`${method} ${path}\``);
  const shown = [...readme.matchAll(/^\| (`[A-Z]+ \/v1[^`]*`) \|/gm)].map(([, cell]) => cell as string);
  return [
    ...wanted.filter((route) => !shown.includes(route)).map((route) => `${route} is missing`),
    ...shown.filter((route) => !wanted.includes(route)).map((route) => `${route} does not exist`),
  ];
}

/** In README and in the pages that it leads to. */
function brokenLinks(): string[] {
  return globSync("{*,docs/**/*}.md", { cwd: ROOT }).flatMap((page) => {
    const links = readFileSync(join(ROOT, page), "utf8").matchAll(/\]\((?!https?:|#)([^)#]+)/g);
    const targets = [...links].map(([, target]) => join(dirname(page), target as string));
    return targets.filter((target) => !existsSync(join(ROOT, target))).map((target) => `${page}: ${target}`);
  });
}

/** The files that git sees as changed or new. */
function workingTree(): string[] {
  const { stdout } = spawnSync("git", ["status", "--porcelain", "--untracked-files=all"], { cwd: ROOT });
  return stdout.toString().split("\n");
}

function report(line: number | undefined, says: string, found: readonly string[]): void {
  row([line === undefined ? "" : `${line}`, says, found.length === 0 ? "yes" : "no"], found.length === 0);
  for (const fault of found) console.log(`      ${fault}`);
  faults += found.length;
}
