import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { dirname, join, normalize } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { ROOT } from "../../scripts/profiles.ts";
import { startOf } from "../../scripts/runs.ts";
import { surroundingsOf } from "../support/pages/addresses.ts";
import { compare, type Shown } from "../support/pages/compare.ts";
import { PAGES, readPage } from "../support/pages/pages.ts";
import { parseBlocks } from "../support/pages/parse.ts";
import { openShell, type Shell } from "../support/pages/shell.ts";
import { sortBlocks } from "../support/pages/sort.ts";

/*
 * Every block of a page is run by npm run test:docs, or is what the one before it prints, or stands here: in its order, by its
 * first line, with the reason that its mark tells.
 */

const NO_RUN: Record<string, [reason: string, first_line: string][]> = {
  "README.md": [
    ["installs", "npm ci && npm start"],
    ["installs", "npm ci && npm test"],
    ["interactive", "npm run --silent terminal -- palms --out palms"],
    ["interactive", "A terminal out of its box, at http://127.0.0.1:5005. It keeps who it is in .terminal."],
  ],
  "docs/deploy.md": [
    [
      "deploys",
      'curl -X PATCH -H "Authorization: Bearer $(gcloud auth print-access-token)" -H "X-Goog-User-Project: <project id>" \\',
    ],
    ["deploys", "umask 077"],
    ["deploys", "for ring in TEMPLATE_KEYS WEBHOOK_KEYS SEAL_KEYS; do"],
    ["deploys", "npm ci"],
    ["deploys", "export GOOGLE_CLOUD_QUOTA_PROJECT=<project id>"],
    ["deploys", 'SEAL_KEYS="$(npx firebase functions:secrets:access SEAL_KEYS --project <project id>)" \\'],
    ["deploys", "npx firebase functions:secrets:access TEMPLATE_KEYS --project <project id> |"],
    [
      "deploys",
      'TEMPLATE_KEYS="$(npx firebase functions:secrets:access TEMPLATE_KEYS --project <project id>)" \\',
    ],
    [
      "deploys",
      'TEMPLATE_KEYS="$(npx firebase functions:secrets:access TEMPLATE_KEYS --project <project id>)" \\',
    ],
  ],
  "docs/quickstart.md": [
    ["installs", "npm ci && npm start"],
    ["installs", "(cd clients/typescript && npm pack)"],
  ],
  "docs/terminals.md": [["interactive", "npm run terminal -- palms --out palms"]],
  "docs/webhooks.md": [["interactive", "npm run webhooks:listen"]],
};

/** Blocks that another test runs, with more than the page alone could: what is forged, another language's program. */
const RUN_BY: Record<string, [test: string, first_line: string][]> = {
  "clients/typescript/README.md": [
    ["test/e2e/client.test.ts", 'import { readFile } from "node:fs/promises";'],
    ["test/e2e/client.test.ts", "const member = await getMember(project_id, member_id, palmgate);"],
    [
      "test/e2e/client.test.ts",
      "for await (const member of items(listMembers, project_id, {}, palmgate)) console.log(member.name);",
    ],
    [
      "test/e2e/client.test.ts",
      "const asUser = createClient({ baseUrl, key: () => user.getIdToken() }); // a user of Firebase Auth",
    ],
    ["test/e2e/client.test.ts", "try {"],
    [
      "test/e2e/client.test.ts",
      "const event = await verifyWebhook(await request.text(), request.headers, secret);",
    ],
  ],
  "docs/webhooks.md": [
    ["test/e2e/deliveries.test.ts", "POST /palmgate HTTP/1.1"],
    ["test/unit/webhooks-docs.test.ts", 'import { Webhook } from "standardwebhooks";'],
    ["test/unit/webhooks-docs.test.ts", 'import { createHmac, timingSafeEqual } from "node:crypto";'],
    ["test/unit/webhooks-docs.test.ts", "import os"],
    ["test/unit/webhooks-docs.test.ts", "import hashlib, hmac, os"],
    ["test/unit/webhooks-docs.test.ts", "import ("],
    [
      "test/unit/webhooks-docs.test.ts",
      `HMAC=$(openssl dgst -sha256 -hmac "$WEBHOOK_SECRET" -r < body.json | cut -d ' ' -f 1)`,
    ],
    ["test/unit/webhooks-docs.test.ts", "ID=$(openssl rand -hex 16) NOW=$(date +%s)"],
  ],
};

const TEXT = `
Text with \`code\`.

\`\`\`bash
echo '{"a": 1}'
\`\`\`

It prints

\`\`\`json
{ "a": "…" }
\`\`\`

- In a list:
  \`\`\`sh no-run=deploys
  deploy --now
    --everything
  \`\`\`

\`\`\`mermaid
a-->b
\`\`\`
`;
const fence = (words: string, text = "x\n") => `\`\`\`${words}\n${text}\`\`\`\n`;

describe("The blocks of a page", () => {
  it("are read with their lines, their marks and no indentation of a list's", () => {
    assert.deepEqual(parseBlocks(TEXT), [
      { line: 5, language: "bash", marks: [], text: "echo '{\"a\": 1}'\n" },
      { line: 11, language: "json", marks: [], text: '{ "a": "…" }\n' },
      { line: 16, language: "sh", marks: ["no-run=deploys"], text: "deploy --now\n  --everything\n" },
      { line: 21, language: "mermaid", marks: [], text: "a-->b\n" },
    ]);
  });

  it("are run, compared with what was run before, left out with a reason, or inert", () => {
    const { steps, unrun, faults } = sortBlocks(TEXT);
    assert.deepEqual(
      steps.map(({ block, shown }) => [block.line, shown]),
      [[5, { language: "json", text: '{ "a": "…" }\n' }]],
    );
    assert.deepEqual(unrun, [{ line: 16, text: "deploy --now", mark: "no-run", reason: "deploys" }]);
    assert.deepEqual(faults, []);
  });

  for (const [what, page, fault] of [
    ["nobody runs", fence("sh"), 'line 2: "sh" is not run, nor what the block before prints'],
    ["says nothing of itself", fence(""), 'line 2: "" is not run, nor what the block before prints'],
    ["nobody prints", fence("json"), 'line 2: "json" is not run, nor what the block before prints'],
    ["is a second output", fence("bash") + fence("text") + fence("text"), "line 8: "],
    ["is the output of what is not run", fence("bash no-run=deploys") + fence("text"), "line 5: "],
    ["has no reason", fence("sh no-run"), 'line 2: "no-run" is no mark'],
    ["has a mark of its own", fence("bash run=never"), 'line 2: "run=never" is no mark'],
    ["has more than one reason", fence("sh no-run=a b"), 'line 2: "no-run=a b" is no mark'],
  ] as const) {
    it(`fail when one ${what}`, () => {
      const { faults } = sortBlocks(page);
      assert.equal(faults.length, 1);
      assert.ok(faults[0]?.startsWith(fault), faults[0]);
    });
  }

  for (const [what, page] of [
    ["is never closed", "```bash\nx\n"],
    ["is made of tildes", "~~~\nx\n~~~\n"],
    ["stands in a quotation", "> ```bash\n> x\n> ```\n"],
  ] as const) {
    it(`cannot be read when one ${what}`, () => {
      assert.throws(() => parseBlocks(page), /^Error: line 1 is a fence/);
    });
  }
});

describe("What a block prints", () => {
  const shown = (language: Shown["language"], text: string): Shown => ({ language, text });

  for (const [what, language, text, printed, faults] of [
    ["the same", "json", '{"a":[1,null]}', '{ "a": [1, null] }', []],
    ["anything for …", "json", '{"a":"…","b":"pg_….…"}', '{"a":{"c":1},"b":"pg_1.2"}', []],
    ["the rest of an array", "json", '[1,"…"]', "[1,2,3]", []],
    ["another value", "json", '{"a":1}', '{"a":2}', ["the answer's a is 2, not 1"]],
    ["another form", "json", '{"a":"pg_…"}', '{"a":"pd_1"}', ['the answer\'s a is "pd_1", not "pg_…"']],
    ["a field more", "json", "{}", '{"a":null}', ["the answer's a is null, not undefined"]],
    ["a field less", "json", '{"a":"…"}', "{}", ['the answer\'s a is undefined, not "…"']],
    ["an item more", "json", "[1]", "[1,2]", ["the answer's 1 is 2, not undefined"]],
    ["an object for an array", "json", "[]", "{}", ["the answer is {}, not []"]],
    ["no JSON", "json", "{}", "oh", ['prints no JSON but "oh"']],
    ["the same lines", "text", "a …\nb\n", "a 1\nb\n", []],
    ["the rest of the lines", "text", "a\n…\n", "a\nb\nc\n", []],
    ["another line", "text", "a\nb\n", "a\nc\n", ['row 2 is "c", not "b"']],
    ["a line more", "text", "a\n", "a\nb\n", ['row 2, "b", is one too many']],
    ["a line less", "text", "a\nb\n", "a\n", ['row 2 is missing, not "b"']],
    ["half a line", "text", "a\n", "a", ['prints a last line without its end: "a"']],
    ["CSV", "csv", "a,b\n1,…\n", "a,b\r\n1,2\r\n", []],
    ["CSV with another end", "csv", "a\n", "a\n", ['prints a last line without its end: "a\\n"']],
    [
      "an answer with its headers",
      "http",
      "HTTP/1.1 204 …\nA: b\n",
      "HTTP/1.1 204 No Content\r\nA: b\r\n",
      [],
    ],
  ] as const) {
    it(`may ${faults.length > 0 ? "not " : ""}be ${what}, in ${language}`, () => {
      assert.deepEqual(compare(shown(language, text), printed), faults);
    });
  }

  it("is nothing where the page shows nothing", () => {
    assert.deepEqual(compare(undefined, ""), []);
    assert.deepEqual(compare(undefined, "a\n"), ['prints "a\\n", which the page does not show']);
  });
});

describe("A page's shell", () => {
  const same = (text: string) => text;
  let shell: Shell;
  beforeEach(() => {
    shell = openShell(ROOT, { env: { GIVEN: "from outside" }, toHere: same, toPage: same });
  });
  afterEach(() => shell.end());
  const run = (language: string, text: string) => shell.run({ line: 1, language, marks: [], text });

  it("goes on where the block before has ended, without reading the next from its input", async () => {
    assert.deepEqual(await run("bash", "A=1; cd docs; cat; echo oh >&2; false"), {
      printed: "",
      said: "oh\n",
      status: 1,
    });
    assert.deepEqual(await run("bash", 'echo "$A $GIVEN $(basename "$PWD")"'), {
      printed: "1 from outside docs\n",
      said: "",
      status: 0,
    });
  });

  it("runs JavaScript and TypeScript, which find packages, the client, and what the page has exported", async () => {
    await run("bash", "HIDDEN=1; export SHOWN=2");
    const print = "console.log(typeof it, process.env.HIDDEN, process.env.SHOWN);\n";
    const printed = { printed: "function undefined 2\n", said: "", status: 0 };
    assert.deepEqual(await run("js", `import { Webhook as it } from "standardwebhooks";\n${print}`), printed);
    assert.deepEqual(
      await run("ts", `import { type Client, createClient as it } from "@palmgate/client";\n${print}`),
      printed,
    );
    const { status, said } = await run("ts", "const faults: number = 1;\nthrow new Error(String(faults));\n");
    assert.equal(status, 1);
    assert.match(said, /Error: 1/);
  });

  it("says that a block has ended it, and runs no other", async () => {
    await assert.rejects(run("bash", "exit 0"), /^Error: has ended the page's shell$/);
    await assert.rejects(run("bash", "echo"), /^Error: has ended the page's shell$/);
  });

  it("takes what was left running with it", async () => {
    const { printed } = await run("bash", "sleep 600 > /dev/null & echo $!");
    await shell.end();
    const left = Number(printed);
    // Whoever adopts it may not have noticed yet.
    for (let i = 0; i < 100 && startOf(left) !== undefined; i++) await sleep(20);
    assert.equal(startOf(left), undefined);
  });
});

describe("Addresses of a page", () => {
  const { toHere, toPage } = surroundingsOf("docs");

  it("are those of npm start, and another suite's where it is run", () => {
    const page =
      "http://127.0.0.1:5005/v1 localhost:5003 http://localhost:4000 --port 4001 example.com:5005 127.0.0.1:50055";
    const here =
      "http://127.0.0.1:5305/v1 localhost:5303 http://localhost:4300 --port 4301 example.com:5005 127.0.0.1:50055";
    assert.equal(toHere(page), here);
    assert.equal(toPage(here), page);
  });
});

describe("The pages", () => {
  it("have no block that nobody looks at", () => {
    const faults = PAGES.flatMap((page) =>
      sortBlocks(readPage(page)).faults.map((fault) => `${page}, ${fault}`),
    );
    assert.deepEqual(faults, []);
  });

  const unrun = (wanted: string) => {
    const found = PAGES.map((page) => {
      const blocks = sortBlocks(readPage(page)).unrun.filter(({ mark }) => mark === wanted);
      return [page, blocks.map(({ reason, text }) => [reason, text])] as const;
    });
    return Object.fromEntries(found.filter(([, blocks]) => blocks.length > 0));
  };

  it("leave these blocks to their readers, and no others", () => {
    assert.deepEqual(unrun("no-run"), NO_RUN);
  });

  it("leave these blocks to another test, and no others", () => {
    assert.deepEqual(unrun("run-by"), RUN_BY);
    for (const [test] of Object.values(RUN_BY).flat()) assert.ok(existsSync(join(ROOT, test)), test);
  });

  it("link to files that exist, and to sections that are there", () => {
    const broken = PAGES.flatMap((page) => {
      const links = [...readPage(page).matchAll(/\]\((?!https?:)([^)#\s]*)(?:#([^)\s]+))?\)/g)];
      return links.flatMap(([link, file = "", section]) => {
        const target = file === "" ? page : normalize(join(dirname(page), file));
        const isThere = existsSync(join(ROOT, target)) && (!section || sectionsOf(target).includes(section));
        return isThere ? [] : [`${page}: ${link}`];
      });
    });
    assert.deepEqual(broken, []);
  });
});

/** The sections of a page, as links name them. */
function sectionsOf(page: string): string[] {
  return [...readPage(page).matchAll(/^#+ (.*)$/gm)].map(([, heading = ""]) =>
    heading
      .toLowerCase()
      .replaceAll(/[^\w -]/g, "")
      .replaceAll(" ", "-"),
  );
}
