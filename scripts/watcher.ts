import { endRun } from "./runs.ts";

// stdin is a pipe from the suite's owner: it ends when the owner does, however that died.
const dir = process.argv[2];
if (dir === undefined) throw new Error("usage: watcher.ts <run folder>");
process.stdin.resume().once("close", () => endRun(dir));
