import { spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Surroundings } from "./addresses.ts";
import type { Block } from "./parse.ts";
import { RUN } from "./run.ts";

/** A block may wait for a long poll, or start a program five times, on a machine that is busy. */
const BLOCK_MS = 120_000;

/** What came of a block: its standard output, its standard error, its last command's exit status. */
export interface Outcome {
  printed: string;
  said: string;
  status: number;
}

/** A bash that runs a page's blocks one after the other, as somebody who pastes them into a terminal. */
export interface Shell {
  /** @throws Error when the shell ends meanwhile, or has ended before. One block at a time. */
  run(block: Block): Promise<Outcome>;
  /** Ends the shell, and what the page has left running in the background. */
  end(): Promise<void>;
}

/** @param cwd where the shell begins */
export function openShell(cwd: string, { env, toHere, toPage }: Surroundings): Shell {
  const folder = mkdtempSync(join(tmpdir(), "palmgate-page-"));
  const child = spawn("bash", ["--noprofile", "--norc"], {
    cwd,
    env: { ...process.env, ...env },
    detached: true, // a process group of its own
    stdio: ["pipe", "pipe", "pipe"],
  });
  // What the page has left running ends with its shell, and that with us: its stdin is closed then.
  child.stdin.write("trap 'kill -KILL 0' EXIT\n");
  let end = "has ended the page's shell";
  const ended = once(child, "exit").then(() => {
    throw new Error(end);
  });
  ended.catch(() => {}); // it is told to who runs a block
  child.stdin.on("error", () => {}); // so is this
  const [printed, said] = [child.stdout, child.stderr].map(readUntil) as [Reader, Reader];
  const kill = () => {
    try {
      if (child.pid !== undefined) process.kill(-child.pid, "SIGKILL");
    } catch {
      // Everybody in the group has ended by itself.
    }
  };

  return {
    async run({ language, text }) {
      const mark = `--- ${randomUUID()} ---`;
      const file = join(folder, mark.slice(4, -4));
      writeFileSync(file, toHere(text));
      child.stdin.write(`${RUN[language]?.(file)}\nprintf '/%d%s' $? '${mark}'; printf '%s' '${mark}' >&2\n`);
      const timer = setTimeout(() => {
        end = `takes longer than ${BLOCK_MS / 1000} s`;
        kill();
      }, BLOCK_MS);
      const read = Promise.all([printed(mark), said(mark)]);
      const [out, err] = await Promise.race([read, ended]).finally(() => clearTimeout(timer));
      const at = out.lastIndexOf("/");
      return { printed: toPage(out.slice(0, at)), said: toPage(err), status: Number(out.slice(at + 1)) };
    },
    async end() {
      kill();
      await ended.catch(() => {});
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

type Reader = (mark: string) => Promise<string>;

/** Gives what a stream says up to a mark, which is left out. */
function readUntil(stream: NodeJS.ReadableStream): Reader {
  let text = "";
  let look = () => {};
  stream.setEncoding("utf8").on("data", (chunk: string) => {
    text += chunk;
    look();
  });
  return (mark) =>
    new Promise((resolve) => {
      look = () => {
        const at = text.indexOf(mark);
        if (at < 0) return;
        resolve(text.slice(0, at));
        text = text.slice(at + mark.length);
      };
      look();
    });
}
