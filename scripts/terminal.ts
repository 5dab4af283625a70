import { readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { readKeys } from "./terminal/keys.ts";
import { Off, runProgram } from "./terminal/program.ts";

/*
 * A terminal on the command line, which does what a real one does with what a real one has: HTTP, its claim token and its
 * key. `npm run terminal -- --help`; docs/terminals.md is for those who build one.
 */

const { version } = JSON.parse(readFileSync(join(import.meta.dirname, "..", "package.json"), "utf8"));
const { stdin, stdout, stderr } = process;
const off = new AbortController();

for (const [signal, exit_code] of [
  ["SIGINT", 130],
  ["SIGTERM", 143],
  ["SIGHUP", 129],
] as const) {
  process.once(signal, () => off.abort(new Off(exit_code)));
}
// Whoever reads has gone: so does the terminal.
stdout.on("error", () => off.abort(new Off(0)));

process.exitCode = await runProgram(process.argv.slice(2), {
  out: (words) => stdout.write(words),
  say: (words) => stderr.write(words),
  world: {
    now: Date.now,
    random: Math.random,
    sleep: async (ms, signal) => {
      try {
        await sleep(ms, undefined, { signal });
      } catch {
        signal.throwIfAborted();
      }
    },
  },
  version,
  columns: stdout.isTTY ? stdout.columns : undefined,
  readKeys: stdin.isTTY ? (onEnd) => readKeys(stdin, onEnd) : undefined,
  off,
});
