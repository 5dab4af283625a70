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
import { parseArgs, parseEnv } from "node:util";
import { openAuth } from "../functions/src/data/identity.ts";
import { galleryDeps } from "../functions/src/deps.ts";
import { createEnvironment } from "../functions/src/domain/environment/createEnvironment.ts";
import { createMember } from "../functions/src/domain/member/createMember.ts";
import { enrollPalm } from "../functions/src/domain/palm/enrollPalm.ts";
import { encodePng, syntheticPalm } from "../test/support/palms.ts";
import { interruption, type Suite, startSuite } from "./emulators.ts";
import { ROOT } from "./profiles.ts";
import * as world from "./world.ts";
import { differences, dumpWorld } from "./world-dump.ts";
import { tryWorld } from "./world-try.ts";

/*
 * Writes emulator-data/, the world that `npm start` begins with: through the domain verbs on a suite of its own, whose
 * export a second suite imports and tries over HTTP. Only a world that works replaces the one before. With `--check`
 * nothing is replaced: it says whether the world that is there is the one that would be written.
 */

const TARGET = join(ROOT, "emulator-data");
const MINUTE = 60_000;

const interrupted = interruption();
const scratch = mkdtempSync(join(tmpdir(), "palmgate-seed-"));
const fresh = join(scratch, "emulator-data");
try {
  const { values } = parseArgs({ options: { check: { type: "boolean" } } });
  await write(fresh);
  if (values.check) await compare();
  else await replace();
} catch (error) {
  console.error(
    `seed: ${interrupted.aborted ? "interrupted" : error instanceof Error ? error.message : error}`,
  );
  process.exitCode = 1;
} finally {
  rmSync(scratch, { recursive: true, force: true });
}

async function replace(): Promise<void> {
  console.log(await withWorld(fresh, (suite) => tryWorld(suite, fresh)));
  rmSync(TARGET, { recursive: true, force: true });
  cpSync(fresh, TARGET, { recursive: true });
  console.log(`emulator-data/ is written: ${(sizeOf(TARGET) / 2 ** 20).toFixed(1)} MiB`);
}

async function compare(): Promise<void> {
  const wanted = await withWorld(fresh, (suite) => dumpWorld(suite, fresh));
  const found = await withWorld(TARGET, (suite) => dumpWorld(suite, TARGET));
  const faults = differences(wanted, found, "emulator-data");
  if (faults.length > 0) throw new Error(`this is not what would be written:\n  ${faults.join("\n  ")}`);
  const palms = world.people.flatMap((person) => person.palms);
  console.log(
    `emulator-data/ is what the seed writes: ${world.organizations.length} organizations, ` +
      `${world.people.length} members, ${palms.length} palms, ${world.pictures.length} pictures`,
  );
}

/** Uses an export in a suite of its own. */
async function withWorld<T>(dir: string, use: (suite: Suite) => Promise<T>): Promise<T> {
  const suite = await startSuite({ profile: "demo", clock: false, importDir: dir, signal: interrupted });
  try {
    return await use(suite);
  } finally {
    await suite.stop();
  }
}

async function write(dir: string): Promise<void> {
  const suite = await startSuite({ profile: "demo", clock: false, exportDir: dir, signal: interrupted });
  const pictures = new Map(
    world.pictures.map((picture) => [picture.file, encodePng(syntheticPalm(picture))]),
  );
  try {
    await populate(suite, pictures);
  } finally {
    await suite.stop();
  }
  mkdirSync(join(dir, "palms"));
  for (const [file, png] of pictures) writeFileSync(join(dir, "palms", file), png);
  writeFileSync(join(dir, "credentials.json"), `${JSON.stringify(world.credentials, null, 2)}\n`);
}

async function populate(suite: Suite, pictures: Map<string, Uint8Array>): Promise<void> {
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
  const apiKeys = world.apiKeys.map(({ name, organization_id, user_id, project_ids, revoked }) => {
    const { id, prefix, secret_hash } = world.apiKeyNamed(name);
    return ports.apiKeys.create({
      ...{ id, prefix, secret_hash, organization_id, name, project_ids, created_at },
      created_by_user_id: user_id,
      last_used_at: null,
      revoked_at: revoked ? created_at : null,
    });
  });
  const devices = world.devices.map(({ key, ...device }) => {
    const { secret_hash } = world.deviceKey({ ...device, key });
    return ports.devices.create({
      ...{ ...device, secret_hash, created_at },
      enabled: true,
      mode: "standard",
      app_version: null,
      last_seen_at: null,
      unclaimed_key: null,
      session: null,
    });
  });
  await ports.commit([
    ...world.organizations.map((organization) => ports.organizations.create({ ...organization, created_at })),
    ...world.projects.map((project) => ports.projects.create({ ...project, created_at })),
    ...apiKeys,
    ...devices,
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
}

/** Gives this process what the Functions emulator gives its own. */
function surround(suite: Suite): void {
  const files = [`functions/.env.${suite.project}`, "functions/.secret.local"];
  const parameters = files.map((file) => parseEnv(readFileSync(join(ROOT, file), "utf8")));
  // Nobody's real project is to be asked for credentials.
  Object.assign(process.env, ...parameters, suite.env, { METADATA_SERVER_DETECTION: "none" });
}

function sizeOf(dir: string): number {
  const files = readdirSync(dir, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  return files.reduce((total, { parentPath, name }) => total + statSync(join(parentPath, name)).size, 0);
}
