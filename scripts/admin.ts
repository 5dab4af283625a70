import { userInfo } from "node:os";
import { text } from "node:stream/consumers";
import { reason, runAdmin } from "./admin/program.ts";
import { openKeys, openPorts, openSealKeys, openSecretKeys } from "./admin/target.ts";

/*
 * The operator's command: organizations, users, environments, projects, devices and keyrings, of the suite that `npm start`
 * runs or of a real project. `npm run admin -- --help`
 */

/** Not every user of a container has a name. */
function userName(): string {
  try {
    return userInfo().username;
  } catch {
    return `uid ${process.getuid?.()}`;
  }
}

// Google's client loads credentials where nobody listens, too: what goes wrong there is no crash.
process.on("uncaughtException", (error) => {
  process.stderr.write(`admin: ${reason(error)}\n`);
  process.exit(1);
});

// Whoever reads may have seen enough: what was done is done.
process.stdout.on("error", () => undefined);

const code = await runAdmin(process.argv.slice(2), {
  out: (words) => process.stdout.write(words),
  say: (words) => process.stderr.write(words),
  operator: userName(),
  read: async () => (process.stdin.isTTY ? "" : text(process.stdin)),
  ports: openPorts,
  keys: openKeys,
  secretKeys: openSecretKeys,
  sealKeys: openSealKeys,
});
// Google's clients go on trying, and would keep this process for minutes where a service does not answer.
process.stdout.write("", () => process.exit(code));
