import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseEnv } from "node:util";
import { openAuth } from "../functions/src/data/identity.ts";
import { galleryDeps } from "../functions/src/deps.ts";
import { newKey } from "../functions/src/domain/credential/key.ts";
import { createEnvironment } from "../functions/src/domain/environment/createEnvironment.ts";
import { createMember } from "../functions/src/domain/member/createMember.ts";
import { enrollPalm } from "../functions/src/domain/palm/enrollPalm.ts";
import { encodePng, syntheticPalm } from "../test/support/palms.ts";
import { type Api, createApi, signIn } from "./api.ts";
import { interruption, type Suite, startSuite } from "./emulators.ts";
import { ROOT } from "./profiles.ts";
import * as world from "./world.ts";

/*
 * Writes emulator-data/, the world that `npm start` begins with: through the domain verbs on a suite of its own, whose
 * export a second suite imports and tries over HTTP. Only a world that works replaces the one before.
 */

const TARGET = join(ROOT, "emulator-data");
const MINUTE = 60_000;

const interrupted = interruption();
const scratch = mkdtempSync(join(tmpdir(), "palmgate-seed-"));
const fresh = join(scratch, "emulator-data");
try {
  await write(fresh);
  await check(fresh);
  rmSync(TARGET, { recursive: true, force: true });
  cpSync(fresh, TARGET, { recursive: true });
  console.log(`emulator-data/ is written: ${(sizeOf(TARGET) / 2 ** 20).toFixed(1)} MiB`);
} catch (error) {
  console.error(
    `seed: ${interrupted.aborted ? "interrupted" : error instanceof Error ? error.message : error}`,
  );
  process.exitCode = 1;
} finally {
  rmSync(scratch, { recursive: true, force: true });
}

async function write(dir: string): Promise<void> {
  const suite = await startSuite({ profile: "demo", clock: false, exportDir: dir, signal: interrupted });
  const pictures = new Map(
    world.pictures.map((picture) => [picture.file, encodePng(syntheticPalm(picture))]),
  );
  let keys: Record<string, string>;
  try {
    keys = await populate(suite, pictures);
  } catch (error) {
    await suite.stop();
    throw error;
  }
  await suite.stop();

  mkdirSync(join(dir, "palms"));
  for (const [file, png] of pictures) writeFileSync(join(dir, "palms", file), png);
  const users = world.users.map(({ email, organization_id }) => ({
    email,
    password: world.PASSWORD,
    organization_id,
  }));
  const credentials = { base_url: world.BASE_URL, users, api_keys: keys };
  writeFileSync(join(dir, "credentials.json"), `${JSON.stringify(credentials, null, 2)}\n`);
}

/** @returns the API keys by name, as they are sent. */
async function populate(suite: Suite, pictures: Map<string, Uint8Array>): Promise<Record<string, string>> {
  surround(suite);
  const ports = await galleryDeps();
  let minute = 0;
  /** What a verb gets: real ports, ids of its own row, and a time of the world. */
  const ctxFor = (name: string) => {
    const at = new Date(world.BEGINNING.getTime() + minute * MINUTE);
    return { ...ports, id: world.fixedIds(name), now: () => at };
  };
  const created_at = world.BEGINNING;

  const auth = openAuth(suite.project);
  for (const { uid, email } of world.users) {
    await auth.createUser({ uid, email, password: world.PASSWORD, emailVerified: true });
  }
  for (const environment of world.environments) {
    await createEnvironment(ctxFor("environments"), { ...environment, created_at });
  }
  const keys: Record<string, string> = {};
  const records = world.apiKeys.map(({ name, organization_id, user_id, project_ids }) => {
    const id = world.fixedIds(`key ${name}`)();
    const { key, ...stored } = newKey("pg", id, world.fixedBytes(`secret ${name}`));
    keys[name] = key;
    return ports.apiKeys.create({
      id,
      ...stored,
      organization_id,
      name,
      created_by_user_id: user_id,
      project_ids,
      created_at,
      last_used_at: null,
      revoked_at: null,
    });
  });
  await ports.commit([
    ...world.organizations.map((organization) => ports.organizations.create({ ...organization, created_at })),
    ...world.projects.map((project) => ports.projects.create({ ...project, created_at })),
    ...records,
  ]);

  for (const { project_id, name, external_id, palms } of world.people) {
    minute += 5;
    const ctx = ctxFor(external_id);
    const member = await createMember(ctx, {
      project_id,
      fields: { name, external_id, email: null, phone_number: null, metadata: {} },
    });
    const project = (await ctx.projects.get(project_id))?.value;
    const environment = project && (await ctx.environments.get(project.environment_id ?? ""))?.value;
    if (!environment) throw new Error(`${name}'s project has no environment`);
    for (const palm of palms) {
      const samples = world
        .enrolPictures(palm)
        .map(({ file }) => ({ path: file, image: pictures.get(file), hand: palm.hand }));
      await enrollPalm(ctx, { project, environment, member_id: member.id, samples }).catch((error) => {
        throw new Error(`${palm.file} was not enrolled: ${error.message}`);
      });
    }
  }
  return keys;
}

/** Gives this process what the Functions emulator gives its own. */
function surround(suite: Suite): void {
  const files = [`functions/.env.${suite.project}`, "functions/.secret.local"];
  const parameters = files.map((file) => parseEnv(readFileSync(join(ROOT, file), "utf8")));
  // Nobody's real project is to be asked for credentials.
  Object.assign(process.env, ...parameters, suite.env, { METADATA_SERVER_DETECTION: "none" });
}

/** Imports the export and uses it as an integrator would, with nothing but the files of `dir`. */
async function check(dir: string): Promise<void> {
  const suite = await startSuite({ profile: "demo", clock: false, importDir: dir, signal: interrupted });
  try {
    const api = createApi(suite.baseUrl);
    const { users, api_keys } = JSON.parse(readFileSync(join(dir, "credentials.json"), "utf8"));
    for (const { email, password } of users) {
      const { body } = await signIn(suite.ports.auth, email, password);
      await expectProjects(api, email, body.idToken);
    }
    for (const [name, key] of Object.entries<string>(api_keys)) await expectProjects(api, name, key);
    await expectPalms(api, dir, api_keys.acme);
  } finally {
    await suite.stop();
  }
}

async function expectProjects(api: Api, who: string, token: string): Promise<void> {
  const { status, body } = await api("GET", "/projects", { token });
  if (status !== 200 || body.length === 0) throw new Error(`${who} sees no project: ${JSON.stringify(body)}`);
}

/** Every fresh picture must find its member, and no stranger anybody. */
async function expectPalms(api: Api, dir: string, token: string): Promise<void> {
  const identify = async (project_id: string, file: string) => {
    const image = readFileSync(join(dir, "palms", file), "base64");
    const { status, body } = await api("POST", `/project/${project_id}/identify`, { token, body: { image } });
    if (status !== 200) throw new Error(`${file} was answered ${status} ${JSON.stringify(body)}`);
    return body;
  };
  const scores: number[] = [];
  for (const person of world.people) {
    const { project_id } = person;
    for (const { file } of person.palms.flatMap(world.freshPictures)) {
      const found = await identify(project_id, file);
      if (found.outcome !== "identified") throw new Error(`${file} finds nobody: choose another seed`);
      const path = `/project/${project_id}/members/${found.member_id}`;
      const { body: member } = await api("GET", path, { token });
      if (member.external_id !== person.external_id) throw new Error(`${file} finds ${member.name}`);
      scores.push(found.score);
    }
  }
  const nobody = [...world.strangerPictures, ...world.freshPictures(world.newcomer)];
  let threshold = 0;
  for (const project of world.projects) {
    for (const { file } of nobody) {
      const found = await identify(project.id, file);
      if (found.outcome !== "no_match") throw new Error(`${file} finds somebody: choose another seed`);
      threshold = found.threshold;
    }
  }
  const lowest = Math.min(...scores);
  console.log(
    `${scores.length} fresh pictures find their member (lowest score ${lowest}, threshold ${threshold}), ` +
      `${nobody.length} of nobody find nobody`,
  );
}

function sizeOf(dir: string): number {
  const files = readdirSync(dir, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  return files.reduce((total, { parentPath, name }) => total + statSync(join(parentPath, name)).size, 0);
}
