import { execFileSync } from "node:child_process";
import { connect, createServer } from "node:net";
import { type Profile, profileConfig } from "./profiles.ts";

/** Says which of the profile's ports is taken, and by whom, if one is. */
export async function findTakenPort(profile: Profile): Promise<string | undefined> {
  const ports = Object.values(profileConfig(profile).ports);
  const taken = await Promise.all(ports.map(isTaken));
  const port = ports.find((_, index) => taken[index]);
  if (port === undefined) return undefined;
  const holder = holderOf(port);
  return `port ${port} is taken${holder === undefined ? "" : ` by ${holder}`}`;
}

/** macOS binds 127.0.0.1 beside a listener on all addresses, so binding alone does not tell. */
async function isTaken(port: number): Promise<boolean> {
  return (await answers(port)) || !(await binds(port));
}

/** Whether anybody listens there, within a second. */
export function answers(port: number, host = "127.0.0.1"): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host, port });
    const end = (answer: boolean) => () => {
      socket.destroy();
      resolve(answer);
    };
    socket.setTimeout(1000, end(false));
    socket.once("error", end(false));
    socket.once("connect", end(true));
  });
}

function binds(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer().once("error", () => resolve(false));
    server.listen(port, "127.0.0.1", () => server.close(() => resolve(true)));
  });
}

function holderOf(port: number): string | undefined {
  const pid =
    /^\d+/.exec(ask("lsof", ["-nP", `-iTCP:${port}`, "-sTCP:LISTEN", "-t"]))?.[0] ??
    /pid=(\d+)/.exec(ask("ss", ["-Hltnp", `sport = :${port}`]))?.[1];
  if (pid === undefined) return undefined;
  const command = ask("ps", ["-o", "args=", "-p", pid]).trim();
  return `process ${pid}${command === "" ? "" : ` (${command.slice(0, 80)})`}`;
}

/** Empty where there is no such program, or it has nothing to say. */
function ask(program: string, args: string[]): string {
  try {
    return execFileSync(program, args, {
      encoding: "utf8",
      stdio: ["ignore", "pipe", "ignore"],
      timeout: 3000,
    });
  } catch {
    return "";
  }
}
