import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createContext, runInContext } from "node:vm";
import { gzipSync } from "node:zlib";
import { buildSync } from "esbuild";
import { Webhook } from "standardwebhooks";
import { ROOT } from "../../scripts/profiles.ts";
import { type Installed, installClient, nodesOnPath } from "../support/packed.ts";
import { encodePng, steadyPalm } from "../support/palms.ts";
import { baseUrl } from "../support/suite.ts";
import { type Deps, newTenant, openDeps, type Tenant } from "../support/tenant.ts";

/** What one operation may weigh in a browser, gzipped, in bytes. */
const LARGEST_BUNDLE = 10_240;

const README = readFileSync(join(ROOT, "clients/typescript/README.md"), "utf8");
const [PROGRAM = "", ...EXAMPLES] = [...README.matchAll(/^```ts .*?\n(.*?)^```/gms)].map(
  ([, code]) => code ?? "",
);

/** What README's other blocks take for granted. */
const BEFORE_EXAMPLES = `
import { readFile } from "node:fs/promises";
import {
  createClient, createMember, deleteMember, enrollPalm, getMember, items, listMembers, listProjects, listScans,
  PalmgateError, verifyWebhook,
} from "@palmgate/client";

const { PALMGATE_URL: baseUrl = "", PALMGATE_KEY: key = "", PALMGATE_PROJECT: project_id = "", ID_TOKEN = "" } = process.env;
const { WEBHOOK = "", WEBHOOK_HEADERS = "{}", WEBHOOK_SECRET: secret = "" } = process.env;
const palmgate = createClient({ baseUrl, key });
const user = { getIdToken: async () => ID_TOKEN };
const request = new Request(baseUrl, { method: "POST", body: WEBHOOK, headers: JSON.parse(WEBHOOK_HEADERS) });
const samples = [{ image: await readFile("palm-1.png", "base64") }];
const { id: first } = await createMember(project_id, { name: "Noa Levy" }, palmgate);
await enrollPalm(project_id, { member_id: first, samples }, palmgate);
const example = async (run: (member_id: string) => Promise<void>) =>
  run((await createMember(project_id, { name: "Daniel Weber" }, palmgate)).id);
`;

/** What a compiler should complain of, line by line. */
const WRONG = `
import { createClient, createMember, identify, items, listMembers, type Member, type PalmgateError } from "@palmgate/client";
const palmgate = createClient({ baseUrl: "" });
const all: Member[] = await listMembers("id", {}, palmgate);
const page: Member[] = await listMembers("id", { per_page: 10 }, palmgate); // wrong
await listMembers("id", { per_page: "10" }, palmgate); // wrong
await identify("id", { hand: "left" }, palmgate); // wrong
await createMember("id", { nickname: "Noa" }, palmgate); // wrong
await createMember("id", { name: "Noa" }); // wrong
for await (const member of items(listMembers, "id", {}, palmgate)) member.age; // wrong
export const isTaken = (error: PalmgateError) => error.code === "taken"; // wrong
`;

const WEB_PROGRAM = `
import { createClient, createMember, enrollPalm, identify, items, listMembers, verifyWebhook } from "@palmgate/client";
type Webhook = Parameters<typeof verifyWebhook>;
export async function run(baseUrl: string, key: string, project_id: string, images: string[], webhook: Webhook) {
  const palmgate = createClient({ baseUrl, key });
  const { id: member_id } = await createMember(project_id, { name: "Ada Web" }, palmgate);
  const [sample, ...samples] = images.map((image) => ({ image }));
  await enrollPalm(project_id, { member_id, samples }, palmgate);
  const found = sample && (await identify(project_id, sample, palmgate));
  const names = [];
  for await (const member of items(listMembers, project_id, {}, palmgate)) names.push(member.name);
  const event = await verifyWebhook(...webhook);
  return JSON.stringify([found?.outcome, found?.member_id === member_id, names[0], event.event_type]);
}
`;

const picture = (seed: number, sample: number) => encodePng(steadyPalm({ seed, sample }));

describe("The packed client", () => {
  let deps: Deps;
  let tenant: Tenant;
  let project: Installed;
  let env: Record<string, string>;
  let seed = 5100;

  before(async () => {
    deps = await openDeps();
    tenant = await newTenant(deps);
    project = installClient();
    env = { PALMGATE_URL: baseUrl(), PALMGATE_KEY: tenant.key, PALMGATE_PROJECT: tenant.project.id };
  });
  after(() => project.remove());

  const write = (name: string, content: string | Uint8Array) =>
    writeFileSync(join(project.folder, name), content);

  /** Pictures of a palm that nobody has yet, where README's program looks for them. */
  const newPalm = () => {
    seed++;
    for (const sample of [1, 2, 3, 4]) write(`palm-${sample}.png`, picture(seed, sample));
  };

  /** Compiles a program there with every check on, by Node's types or the web's. @throws Error with the complaints */
  const compile = (name: string, types: "node" | "web") => {
    const compilerOptions = {
      strict: true,
      exactOptionalPropertyTypes: true,
      noUncheckedIndexedAccess: true,
      module: "nodenext",
      target: "es2022",
      lib: types === "node" ? ["es2023"] : ["es2023", "dom"],
      types: types === "node" ? ["node"] : [],
      typeRoots: [join(ROOT, "node_modules/@types")],
    };
    write("tsconfig.json", JSON.stringify({ compilerOptions, files: [name] }));
    project.run(join(ROOT, "node_modules/.bin/tsc"), []);
  };

  /** A program of the project as a browser gets it. */
  const bundle = (contents: string, format: "esm" | "iife"): string => {
    const { outputFiles } = buildSync({
      stdin: { contents, resolveDir: project.folder, loader: "ts" },
      bundle: true,
      minify: true,
      write: false,
      format,
      globalName: "program",
      platform: "browser",
      logLevel: "silent",
    });
    return outputFiles[0]?.text ?? "";
  };

  const webhook = () => {
    const secret = `whsec_${Buffer.alloc(32, 7).toString("base64")}`;
    const body = JSON.stringify({ event_type: "enrollment.completed", data: { member_id: "a member" } });
    const at = new Date();
    const headers = {
      "webhook-id": "1",
      "webhook-timestamp": `${Math.floor(at.getTime() / 1000)}`,
      "webhook-signature": new Webhook(secret).sign("1", at, body),
    };
    return { body, headers, secret };
  };

  it("enrols and identifies a palm in README's ten lines, right under strict types, on every Node here", () => {
    assert.equal(PROGRAM.trim().split(/\n+/).length, 10);
    write("main.ts", PROGRAM);
    compile("main.ts", "node");
    const nodes = nodesOnPath(20);
    assert.ok(nodes.has(process.version));
    for (const [version, node] of nodes) {
      newPalm();
      assert.equal(project.run(node, ["main.js"], env), "identified true\n", version);
    }
  });

  it("does what the other blocks of its README say", () => {
    newPalm();
    const blocks = EXAMPLES.map((code) => `await example(async (member_id) => {\n${code}});\n`);
    write("examples.ts", BEFORE_EXAMPLES + blocks.join(""));
    compile("examples.ts", "node");
    const { body, headers, secret } = webhook();
    const output = project.run(process.execPath, ["examples.js"], {
      ...env,
      ID_TOKEN: tenant.user.token,
      WEBHOOK: body,
      WEBHOOK_HEADERS: JSON.stringify(headers),
      WEBHOOK_SECRET: secret,
    });
    const lines = output.trim().split("\n");
    assert.equal(lines.shift(), "Daniel Weber");
    assert.deepEqual(lines.slice(-2), ["This palm is somebody else's.", "a member"]);
  });

  it("lets the compiler refuse what is wrong, and nothing else", () => {
    write("wrong.ts", WRONG);
    assert.throws(
      () => compile("wrong.ts", "node"),
      ({ message }: Error) => {
        const complaints = [...message.matchAll(/^wrong\.ts\((\d+),/gm)].map(([, line]) => Number(line));
        const wrong = WRONG.split("\n").flatMap((line, n) => (line.endsWith("// wrong") ? [n + 1] : []));
        assert.deepEqual([...new Set(complaints)], wrong, message);
        return true;
      },
    );
  });

  it("weighs little in a browser: at most 10 KiB gzipped for one operation, without the others", () => {
    const one = bundle(
      `import { createClient, identify } from "@palmgate/client";
       export const find = (image: string) => identify("id", { image }, createClient({ baseUrl: "", key: "pg_" }));`,
      "esm",
    );
    const size = gzipSync(one).length;
    assert.ok(size <= LARGEST_BUNDLE, `${size} bytes`);
    assert.match(one, /\/identify/);
    assert.doesNotMatch(one, /\/enroll|webhook/);
  });

  it("works in a browser: by types of the web alone, with nothing of Node's around", async () => {
    write("web.ts", WEB_PROGRAM);
    compile("web.ts", "web");
    const { fetch, Headers, AbortController, DOMException, URLSearchParams } = globalThis;
    const { crypto, TextEncoder, TextDecoder, atob, setTimeout, clearTimeout } = globalThis;
    const context = createContext({
      ...{ fetch, Headers, AbortController, DOMException, URLSearchParams },
      ...{ crypto, TextEncoder, TextDecoder, atob, setTimeout, clearTimeout },
    });
    const nodes = "[typeof process, typeof Buffer, typeof require, typeof global].join()";
    assert.equal(runInContext(nodes, context), "undefined,undefined,undefined,undefined");
    seed++;
    const images = [4, 1, 2, 3].map((sample) => Buffer.from(picture(seed, sample)).toString("base64"));
    const { body, headers, secret } = webhook();
    const input = [baseUrl(), tenant.key, tenant.project.id, images, [body, headers, secret]];
    const code = bundle('export * from "./web.ts";', "iife");
    const output = await runInContext(`${code};program.run(...${JSON.stringify(input)})`, context);
    assert.deepEqual(JSON.parse(output), ["identified", true, "Ada Web", "enrollment.completed"]);
  });
});
