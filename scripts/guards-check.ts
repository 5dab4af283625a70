import { spawnSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

/**
 * Shows that the guards guard: breaks each rule on purpose in a copy of this checkout, and wants the check that
 * watches over it to fail and to say why. `npm run check:guards`
 */

const ROOT = fileURLToPath(new URL("..", import.meta.url));

const biome = ["biome", "check", "functions/src"];
const tsc = ["tsc"];
const knip = ["knip"];
const mocha = (file: string): string[] => [
  "mocha",
  "--reporter",
  "dot",
  "--timeout",
  "20000",
  `test/unit/${file}.test.ts`,
];

interface Guard {
  /** What is broken. */
  rule: string;
  file: string;
  /** The file's text as broken. */
  breaks: (text: string) => string;
  /** What notices. */
  command: string[];
  /** What it says, among other things. */
  says: RegExp;
}

const cut = (part: string | RegExp) => (text: string) => text.replace(part, "");
const add = (line: string) => (text: string) => `${text}\n${line}\n`;

const GUARDS: Guard[] = [
  {
    rule: "an operation's example is missing",
    file: "openapi.json",
    breaks: (text) => text.replace(/"examples"(?=: \{\s+"example1": \{\s+"summary": "It lives")/, '"x-was"'),
    command: mocha("examples"),
    says: /\+ {3}'liveness'/,
  },
  {
    rule: "an example is of another shape than its schema",
    file: "openapi.json",
    breaks: (text) => text.replace('"outcome": "identified"', '"outcome": "perhaps"'),
    command: mocha("examples"),
    says: /scans.+example1: data\/items\/1\/outcome must be equal to one of/,
  },
  {
    rule: "a POST does not say whether it is idempotent",
    file: "functions/src/api/biometrics/identify.ts",
    breaks: cut("  idempotent: false,\n"),
    command: mocha("api/routes"),
    says: /identify\n\s+declares what guards it/,
  },
  {
    rule: "a route accepts API keys and names no permission",
    file: "functions/src/api/members/getMember.ts",
    breaks: cut('  permission: "members:read",\n'),
    command: tsc,
    says: /getMember\.ts\(\d+,\d+\): error/,
  },
  {
    rule: "a route needs another permission than the contract says",
    file: "functions/src/api/webhooks/createWebhook.ts",
    breaks: (text) => text.replace('permission: "webhooks:write"', 'permission: "webhooks:read"'),
    command: mocha("api/routes"),
    says: /needs a permission of an API key exactly where API keys are accepted/,
  },
  {
    rule: "a replay shows a deleted person's data",
    file: "functions/src/api/members/createMember.ts",
    breaks: (text) => text.replace(/ {2}async redacts.+?\n {2}\},\n/s, ""),
    command: mocha("api/routes"),
    says: /createMember\n\s+blanks the person's data in a replay/,
  },
  {
    rule: "a change does not say what the audit log tells of it",
    file: "functions/src/api/members/deleteMember.ts",
    breaks: cut('  audits: "member",\n'),
    command: mocha("api/routes"),
    says: /deleteMember\n\s+declares what guards it/,
  },
  {
    rule: "a percent-encoded path as a file name",
    file: "scripts/build.ts",
    breaks: (text) =>
      text.replace('join(root, "functions/lib")', 'new URL("../functions/lib", import.meta.url).pathname'),
    command: ["biome", "check", "scripts/build.ts"],
    says: /use import\.meta\.dirname or fileURLToPath/,
  },
  {
    rule: "domain/ imports data/",
    file: "functions/src/domain/order.ts",
    breaks: (text) =>
      `import { openFirestore } from "../data/firestore.ts";\n\nexport const open = openFirestore;\n${text}`,
    command: biome,
    says: /domain\/ knows neither Firebase nor HTTP/,
  },
  {
    rule: "palm/ imports Google's client",
    file: "functions/src/palm/errors.ts",
    breaks: (text) =>
      `import { Firestore } from "@google-cloud/firestore";\n\nexport const store = Firestore;\n${text}`,
    command: biome,
    says: /palm\/ is pure/,
  },
  {
    rule: "api/ imports Hono",
    file: "functions/src/api/members/getMember.ts",
    breaks: (text) => `import { Hono } from "hono";\n\nexport const app = new Hono();\n${text}`,
    command: biome,
    says: /api\/ speaks contracts/,
  },
  {
    rule: "a route without auth",
    file: "functions/src/api/projects/getProject.ts",
    breaks: cut(/ {2}auth: .*\n/),
    command: tsc,
    says: /getProject\.ts\(.*error TS/,
  },
  {
    rule: "a route opened to the public",
    file: "functions/src/api/members/getMember.ts",
    breaks: (text) => text.replace('auth: ["firebase", "apiKey"]', 'auth: "public"'),
    command: mocha("api/routes"),
    says: /getMember\n\s+asks for a credential/,
  },
  {
    rule: "a route without rewrite",
    file: "firebase.json",
    breaks: cut(/\s*\{ "source": "\/v1\/projects\/\*".*\},/),
    command: mocha("api/routes"),
    says: /getProject\n\s+is rewritten by Hosting/,
  },
  {
    rule: "a function missing in the deployment table",
    file: "functions/src/index.ts",
    breaks: cut(/export const projects = serve\([^;]*\);\n/),
    command: mocha("index"),
    says: /has exactly the functions of the manifest/,
  },
  {
    rule: "a parameter without a value",
    file: "functions/src/config.ts",
    breaks: (text) =>
      text.replace(
        "export const params = {",
        'export const params = {\n  EXTRA: defineString("EXTRA", { default: "x" }),',
      ),
    command: mocha("config"),
    says: /has each parameter's value in \.env\.demo-palmgate/,
  },
  {
    rule: "a secret without a demo value",
    file: "functions/.secret.local",
    breaks: cut(/TEMPLATE_KEYS=.*/),
    command: mocha("config"),
    says: /has each secret's demo value/,
  },
  {
    rule: "a collection missing in docs/data.md",
    file: "docs/data.md",
    breaks: cut(/\| `garbage\/.*\n/),
    command: mocha("data/collections"),
    says: /has a row for garbage/,
  },
  {
    rule: "a block of a page that nobody runs",
    file: "docs/terminals.md",
    breaks: (text) => text.replace("```bash\nSTARTED", "```sh\nSTARTED"),
    command: mocha("pages"),
    says: /docs\/terminals\.md, line \d+: "sh" is not run/,
  },
  {
    rule: "a block that is taken out of the test",
    file: "README.md",
    breaks: (text) => text.replace("```bash\n", "```bash no-run=hurry\n"),
    command: mocha("pages"),
    says: /leave these blocks to their readers, and no others/,
  },
  {
    rule: "a link to a section that was renamed",
    file: "docs/terminals.md",
    breaks: (text) => text.replace("## Capture", "## Take a picture"),
    command: mocha("pages"),
    says: /docs\/terminals\.md: \]\(#capture\)/,
  },
  {
    rule: "a query without its index",
    file: "functions/src/data/transactions.ts",
    breaks: (text) =>
      text.replace(
        "(transactionsOf(project_id), range)",
        '(transactionsOf(project_id).where("status", "==", "approved"), range)',
      ),
    command: mocha("data/indexes"),
    says: /has an index for every query that needs one/,
  },
  {
    rule: "a connection that nobody looks at",
    file: "functions/src/data/outbound/connect.ts",
    breaks: (text) => text.replace("|| !isSame(remoteAddress, address)", ""),
    command: mocha("data/outbound"),
    says: /failing/,
  },
  {
    rule: "one bad address of several",
    file: "functions/src/data/outbound/connect.ts",
    breaks: (text) => text.replace("addresses.every(isAllowedAddress)", "addresses.some(isAllowedAddress)"),
    command: mocha("data/outbound"),
    says: /failing/,
  },
  {
    rule: "a certificate of anybody",
    file: "functions/src/data/outbound/connect.ts",
    breaks: (text) => text.replace("rejectUnauthorized: true", "rejectUnauthorized: false"),
    command: mocha("data/outbound"),
    says: /failing/,
  },
  {
    rule: "a delivery under its event's mark alone",
    file: "functions/src/domain/delivery/dispatchEvent.ts",
    breaks: (text) => text.replace("[...creations, ctx", "[ctx"),
    command: mocha("domain/deaths"),
    says: /loses nothing/,
  },
  {
    rule: "an attempt that is made whoever has the lease",
    file: "functions/src/domain/delivery/attemptDelivery.ts",
    breaks: cut("    if (delivery.lease && delivery.lease.until > now) return undefined;\n"),
    command: mocha("domain/attemptDelivery"),
    says: /after its lease|however often its tasks come/,
  },
  {
    rule: "a lost task that keeps its name",
    file: "functions/src/domain/delivery/sweepDeliveries.ts",
    breaks: (text) => text.replace("epoch: epoch + 1", "epoch"),
    command: mocha("domain/attemptDelivery"),
    says: /name of its task is used up/,
  },
  {
    rule: "a signature of another body than is sent",
    file: "functions/src/domain/webhook/signature.ts",
    breaks: (text) => text.replace(".update(content)", '.update(content + "x")'),
    command: mocha("domain/signature"),
    says: /failing/,
  },
  {
    rule: "a page that asks another host",
    file: "hosting/index.html",
    breaks: (text) => text.replace('src="/mark.svg"', 'src="https://example.com/mark.svg"'),
    command: mocha("hosting"),
    says: /name no other host/,
  },
  {
    rule: "pages that may run scripts inside of them",
    file: "firebase.json",
    breaks: (text) => text.replace("script-src 'self'", "script-src 'self' 'unsafe-inline'"),
    command: mocha("hosting"),
    says: /with a strict policy/,
  },
  {
    rule: "an export that nobody uses",
    file: "functions/src/domain/order.ts",
    breaks: add("export const unused = 1;"),
    command: knip,
    says: /unused\s+functions\/src\/domain\/order\.ts/,
  },
  {
    rule: "a file that nobody imports",
    file: "functions/src/domain/unused.ts",
    breaks: () => "export const unused = 1;\n",
    command: knip,
    says: /functions\/src\/domain\/unused\.ts/,
  },
  {
    rule: "a sample that is sent again is judged again",
    file: "functions/src/domain/enrollment/submitSample.ts",
    breaks: cut("now.sample_ids.includes(sample_id) || "),
    command: mocha("domain/sessions"),
    says: /a sample was judged twice/,
  },
  {
    rule: "an enrolment that starts lets the member be deleted unseen",
    file: "functions/src/domain/enrollment/startEnrollment.ts",
    breaks: cut(/ *\.\.\.\(member \? \[ctx\.members\.replace.*\n/),
    command: mocha("domain/sessions"),
    says: /a session goes on without its member/,
  },
  {
    rule: "a session keeps its samples when it ends",
    file: "functions/src/domain/enrollment/session.ts",
    breaks: (text) => text.replace("isActive(next) ? next : { ...next, held: [] }", "next"),
    command: mocha("domain/sessions"),
    says: /held samples of a \w+ session/,
  },
  {
    rule: "a disabled device goes on with its session",
    file: "functions/src/domain/device/updateDevice.ts",
    breaks: (text) => text.replace(/const now = changed\.enabled .*/, "const now = changed;"),
    command: mocha("domain/sessions"),
    says: /a session goes on at a disabled device/,
  },
  {
    rule: "a JSON body may give a name twice",
    file: "functions/src/http/json.ts",
    breaks: cut(/ {2}if \(names\.has\(name\)\).*\n/),
    command: mocha("http/json"),
    says: /names the place of a duplicate/,
  },
  {
    rule: "a gzip body is inflated without a limit",
    file: "functions/src/http/body.ts",
    breaks: (text) => text.replace("maxOutputLength: limit.bytes", ""),
    command: mocha("http/body"),
    says: /inflates gzip up to the limit/,
  },
  {
    rule: "a JPEG may have 64 scans whatever its size",
    file: "functions/src/palm/image/jpeg.ts",
    breaks: (text) => text.replace(/const most = Math\.max\(MIN_SCANS.*\n/, "const most = MAX_SCANS;\n"),
    command: mocha("palm/image"),
    says: /limits the scans of a JPEG by its size/,
  },
  {
    rule: "pictures and large bodies are served in order of arrival instead of in turn by owner",
    file: "functions/src/domain/turns.ts",
    breaks: cut("      this.#waiting.delete(owner);\n"),
    command: mocha("domain/turns"),
    says: /serve owners in turn/,
  },
  {
    rule: "large bodies are read without a pause",
    file: "functions/src/http/inputReader.ts",
    breaks: (text) => text.replace("setTimeout(end, performance.now() - started)", "end()"),
    command: mocha("http/input-reader"),
    says: /wait after each other/,
  },
  {
    rule: "the committed WebAssembly is not that of its source",
    file: "functions/src/palm/hand/kernels.as.ts",
    breaks: (text) => text.replace("f32x4.add(s00, f32x4.mul(x0, b0))", "f32x4.sub(s00, f32x4.mul(x0, b0))"),
    command: ["node", "scripts/wasm.ts", "--check"],
    says: /kernels\.wasm\.ts is not what it is made of/,
  },
  {
    rule: "the TypeScript kernels round in another place than the WebAssembly ones",
    file: "functions/src/palm/hand/typescriptKernels.ts",
    breaks: (text) => text.replace("round(value * weight)", "value * weight"),
    command: mocha("palm/hand/kernels"),
    says: /WebAssembly and TypeScript leave other bits/,
  },
];

const copy = mkdtempSync(join(tmpdir(), "palmgate-guards-"));
let failed = false;
try {
  copyCheckout();
  for (const command of new Map(GUARDS.map((guard) => [guard.command.join(" "), guard.command])).values()) {
    const { status, output } = run(command);
    if (status !== 0) throw new Error(`${command.join(" ")} fails before anything is broken:\n${output}`);
  }
  for (const { rule, file, breaks, command, says } of GUARDS) {
    const seen = broken(file, breaks, () => run(command));
    const caught = seen.status !== 0 && says.test(seen.output);
    failed ||= !caught;
    console.log(`${caught ? "caught" : "MISSED"}  ${rule}  (${command.join(" ")})`);
    if (!caught) console.log(seen.output);
  }
} finally {
  rmSync(copy, { recursive: true, force: true });
}
console.log(failed ? "Some guards sleep." : `All ${GUARDS.length} guards guard.`);
process.exitCode = failed ? 1 : 0;

function copyCheckout(): void {
  const { stdout } = spawnSync("git", ["ls-files", "-co", "--exclude-standard", "-z"], {
    cwd: ROOT,
    encoding: "utf8",
  });
  for (const file of stdout.split("\0").filter((name) => name && !name.startsWith("emulator-data/"))) {
    mkdirSync(dirname(join(copy, file)), { recursive: true });
    cpSync(join(ROOT, file), join(copy, file));
  }
  // emulator-data, which pages link to, is large.
  for (const folder of ["node_modules", "functions/node_modules", "emulator-data"])
    symlinkSync(join(ROOT, folder), join(copy, folder));
  // biome asks git which files are ignored.
  spawnSync("git", ["init", "-q"], { cwd: copy });
}

function run([binary = "", ...args]: string[]): { status: number | null; output: string } {
  const { status, stdout, stderr } = spawnSync(join(ROOT, "node_modules/.bin", binary), args, {
    cwd: copy,
    encoding: "utf8",
    env: { ...process.env, NO_COLOR: "1", FORCE_COLOR: "0" },
  });
  return { status, output: stdout + stderr };
}

/** Breaks a file of the copy, looks, and mends it. */
function broken<T>(file: string, breaks: (text: string) => string, look: () => T): T {
  const path = join(copy, file);
  const text = read(path);
  const now = breaks(text ?? "");
  if (now === text) throw new Error(`${file} was not broken: the rule's text has moved`);
  writeFileSync(path, now);
  try {
    return look();
  } finally {
    if (text === undefined) rmSync(path);
    else writeFileSync(path, text);
  }
}

function read(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return undefined;
  }
}
