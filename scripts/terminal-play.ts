import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { copyFileSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { ROOT } from "./profiles.ts";

/** How long somebody waits for something to happen to a terminal, in ms. */
const PATIENCE_MS = 30_000;

/** Something that happened to a terminal, as it tells scripts (`scripts/terminal/screen.ts`). */
// biome-ignore lint/suspicious/noExplicitAny: each event has fields of its own
type Happened = { event: string } & Record<string, any>;

/** The terminal of `npm run terminal`, played by somebody else: one identity, one run of its program after another. */
export class TerminalPlay {
  readonly #api: string;
  readonly #home = mkdtempSync(join(tmpdir(), "palmgate-terminal-"));
  #child: ChildProcess | undefined;
  #happened: Happened[] = [];
  #news = Promise.withResolvers<void>();

  /** @param pictures what its camera sees, one after the other, all of one palm */
  constructor(api: string, pictures: readonly string[]) {
    this.#api = api;
    mkdirSync(join(this.#home, "palms"));
    for (const [index, file] of pictures.entries()) {
      copyFileSync(file, join(this.#home, "palms", `palm-${index + 1}.png`));
    }
  }

  /** Switches it on for a job (`npm run terminal -- --help`), once the one before is done. */
  async start(...job: string[]): Promise<void> {
    if (this.#child && this.#child.exitCode === null) await once(this.#child, "exit");
    const folders = ["--folder", join(this.#home, "identity"), "--palms", join(this.#home, "palms")];
    const child = spawn(
      process.execPath,
      ["scripts/terminal.ts", "--api", this.#api, ...folders, "--auto", "--json", ...job],
      { cwd: ROOT, stdio: ["ignore", "pipe", "inherit"] },
    );
    this.#child = child;
    createInterface({ input: child.stdout }).on("line", (line) => {
      this.#happened.push(JSON.parse(line));
      this.#news.resolve();
    });
  }

  /** Waits for the next event of that kind; those before it are passed by. */
  async next(event: string): Promise<Happened> {
    const until = performance.now() + PATIENCE_MS;
    for (;;) {
      const at = this.#happened.findIndex((happened) => happened.event === event);
      if (at >= 0) return this.#happened.splice(0, at + 1).at(-1) as Happened;
      const left = until - performance.now();
      if (left <= 0)
        throw new Error(`nothing was ${event} at the terminal: ${JSON.stringify(this.#happened)}`);
      this.#news = Promise.withResolvers();
      await Promise.race([this.#news.promise, new Promise((resolve) => setTimeout(resolve, left).unref())]);
    }
  }

  async close(): Promise<void> {
    if (this.#child && this.#child.exitCode === null) {
      this.#child.kill();
      await once(this.#child, "exit");
    }
    rmSync(this.#home, { recursive: true, force: true });
  }
}
