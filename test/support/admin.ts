import { spawn } from "node:child_process";
import { once } from "node:events";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));

/** What the operator's command did. */
export interface Ran {
  code: number;
  out: string;
  said: string;
}

/** Runs the operator's command in a process of its own, with variables beside those of this one. */
export async function admin(
  args: readonly string[],
  { env = {}, input = "" }: { env?: Record<string, string | undefined>; input?: string } = {},
): Promise<Ran> {
  const child = spawn(process.execPath, ["--no-warnings", "scripts/admin.ts", ...args], {
    cwd: ROOT,
    env: { ...process.env, ...env },
  });
  child.stdin.end(input);
  const [out, said, [code]] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, "exit"),
  ]);
  return { code, out, said };
}
