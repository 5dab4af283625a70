import assert from "node:assert/strict";
import { execFile, spawnSync } from "node:child_process";
import { randomUUID } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { EVENT_TYPES } from "../../functions/src/domain/event/event.ts";
import { newSecret, signedHeaders } from "../../functions/src/domain/webhook/signature.ts";
import { ROOT } from "../../scripts/profiles.ts";
import { startReceiver } from "../../scripts/webhooks/receiver.ts";
import { type Block, parseBlocks } from "../support/pages/parse.ts";

const run = promisify(execFile);
const page = readFileSync(join(ROOT, "docs", "webhooks.md"), "utf8");

/** The blocks that are this test's, as their marks say: those of Verify, and the delivery by hand. */
const blocks = parseBlocks(page).filter(({ marks }) =>
  marks.includes("run-by=test/unit/webhooks-docs.test.ts"),
);

/** How a snippet of a language is run: it ends with 0 for what is genuine alone. */
const RUNNERS: Record<string, { run(code: string): [program: string, args: string[]]; cwd?: string }> = {
  js: {
    cwd: ROOT, // where standardwebhooks is installed
    run: (code) => [
      process.execPath,
      [
        "--input-type=module",
        "-e",
        `import { readFileSync } from "node:fs";
         const body = readFileSync(process.env.BODY);
         const headers = JSON.parse(process.env.HEADERS);
         ${code}`,
      ],
    ],
  },
  python: {
    run: (code) => [
      "python3",
      [
        "-c",
        `import json, os\nbody = open(os.environ["BODY"], "rb").read()\nheaders = json.loads(os.environ["HEADERS"])\n${code}`,
      ],
    ],
  },
  go: {
    run: (code) => [
      "sh",
      [
        "-euc",
        'printf %s "$0" > main.go && go run main.go',
        `package main
         import "os"
         ${code}
         func main() {
           body, _ := os.ReadFile(os.Getenv("BODY"))
           if !genuine(os.Getenv("WEBHOOK_SECRET"), os.Getenv("SIGNATURE"), body) { os.Exit(1) }
         }`,
      ],
    ],
  },
  sh: { run: (code) => ["sh", ["-euc", code]] },
};

/** Defines a test that needs a program; without it the list of tests says so. Mocha takes one that is skipped for a failure. */
function itWith([program, args]: readonly [string, string[]], name: string, test: () => Promise<void>): void {
  if (spawnSync(program, args).status === 0) it(name, test);
  else it(`NOT TRIED HERE, as ${[program, ...args].join(" ")} fails: ${name}`, () => {});
}

/** What must be there for a snippet to be run, as a command that succeeds. */
function needOf({ language, text }: Block): [string, string[]] {
  if (language === "go") return ["go", ["version"]];
  if (language === "sh") return ["openssl", ["version"]];
  if (language === "js") return [process.execPath, ["--version"]];
  return ["python3", ["-c", text.includes("standardwebhooks") ? "import standardwebhooks" : ""]];
}

describe("docs/webhooks.md", () => {
  const secret = newSecret();
  const dir = mkdtempSync(join(tmpdir(), "palmgate-webhooks-"));
  const file = join(dir, "body.json");
  after(() => rmSync(dir, { recursive: true }));

  const event_id = randomUUID();
  const body = JSON.stringify({ event_id, name: "Zoë 掌", data: {} });
  let headers: Record<string, string>;
  // Signed when it is used: a run of all tests may take longer than a signature is believed.
  beforeEach(() => {
    const signed = signedHeaders({ event_id, body, at: new Date(), secrets: [secret], legacy: secret });
    headers = Object.fromEntries(Object.entries(signed).map(([name, value]) => [name.toLowerCase(), value]));
  });
  const environment = (more: Record<string, string> = {}) => ({
    ...process.env,
    WEBHOOK_SECRET: secret,
    BODY: file,
    HEADERS: JSON.stringify(headers),
    SIGNATURE: headers["x-webhook-signature"],
    ...more,
  });

  const snippets = blocks.slice(0, -1);

  it("verifies in four languages, and sends a delivery", () => {
    assert.deepEqual(
      blocks.map(({ language }) => language),
      ["js", "js", "python", "python", "go", "sh", "sh"],
    );
  });

  for (const [index, snippet] of snippets.entries()) {
    itWith(
      needOf(snippet),
      `takes what is genuine alone, in snippet ${index + 1}, ${snippet.language}`,
      async () => {
        const runner = RUNNERS[snippet.language];
        assert.ok(runner);
        const verify = (sent: string, more: Record<string, string> = {}) => {
          writeFileSync(file, sent);
          const [program, args] = runner.run(snippet.text);
          return run(program, args, { cwd: runner.cwd ?? dir, env: environment(more) });
        };
        await verify(body);
        await assert.rejects(verify(body.replace("Zoë", "Zoe")));
        await assert.rejects(verify(body, { WEBHOOK_SECRET: newSecret() }));
        await assert.rejects(verify(body, { HEADERS: "{}", SIGNATURE: "" }));
      },
    );
  }

  it("sends an endpoint a delivery that is genuine", async () => {
    const snippet = blocks.at(-1);
    assert.ok(snippet);
    const receiver = await startReceiver({ secrets: [secret] });
    writeFileSync(file, body);
    try {
      const { stdout } = await run("sh", ["-euc", snippet.text], {
        cwd: dir,
        env: environment({ ENDPOINT: receiver.url }),
      });
      assert.match(stdout, /^HTTP\/1\.1 200 /);
      const [{ faults, body: sent } = {}] = receiver.received;
      assert.deepEqual([faults, sent], [[], body]);
    } finally {
      await receiver.close();
    }
  });

  it("shows all events", () => {
    const headings = [...page.matchAll(/^### (.*)$/gm)].map(([, heading]) => heading);
    assert.deepEqual(headings, EVENT_TYPES);
  });
});
