import { execFileSync } from "node:child_process";
import { mkdtempSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { ROOT } from "../../scripts/profiles.ts";

/** An empty project of an integrator, with the client in it as npm installs it from its tarball. */
export interface Installed {
  folder: string;
  /** Runs a program there, without what this process has in its environment but for the path. @throws what fails */
  run(command: string, args: readonly string[], env?: Record<string, string>): string;
  remove(): void;
}

/** Packs the client and installs it, without any network. */
export function installClient(): Installed {
  const folder = mkdtempSync(join(tmpdir(), "palmgate-integrator-"));
  const run: Installed["run"] = (command, args, env = {}) => {
    const { PATH = "", HOME = "" } = process.env;
    try {
      return execFileSync(command, args, {
        cwd: folder,
        env: { PATH, HOME, ...env },
        encoding: "utf8",
        stdio: "pipe",
      });
    } catch (error) {
      const { stdout, stderr } = error as { stdout?: string; stderr?: string };
      throw new Error(`${command} ${args.join(" ")}\n${stdout}${stderr}`, { cause: error });
    }
  };
  writeFileSync(join(folder, "package.json"), '{ "type": "module", "private": true }');
  const packing = ["pack", join(ROOT, "clients/typescript"), "--pack-destination", folder, "--silent"];
  const tarball = run("npm", packing).trim();
  run("npm", ["install", "--offline", "--no-audit", "--no-fund", `./${tarball}`]);
  return { folder, run, remove: () => rmSync(folder, { recursive: true, force: true }) };
}

/** Every Node on the path that the client is to run on, by its version; this process's own is one. */
export function nodesOnPath(least: number): Map<string, string> {
  const programs = [
    process.execPath,
    ...(process.env["PATH"] ?? "").split(delimiter).map((folder) => join(folder, "node")),
  ];
  const nodes = new Map<string, string>();
  for (const program of programs) {
    try {
      const path = realpathSync(program);
      const version = execFileSync(path, ["--version"], { encoding: "utf8" }).trim();
      if (Number.parseInt(version.slice(1), 10) >= least) nodes.set(version, path);
    } catch {
      // There is none in that folder.
    }
  }
  return nodes;
}
