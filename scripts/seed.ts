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
import { galleryDeps } from "../functions/src/deps.ts";
import { encodeJpeg } from "../test/support/encodeJpeg.ts";
import { renderHand } from "../test/support/hands.ts";
import { encodePng, syntheticPalm } from "../test/support/palms.ts";
import { interruption, type Suite, startSuite } from "./emulators.ts";
import { ROOT } from "./profiles.ts";
import * as world from "./world.ts";
import { differences, dumpWorld } from "./world-dump.ts";
import { makeWorld } from "./world-make.ts";
import { tryWorld } from "./world-try.ts";

/*
 * Writes emulator-data/, the world that `npm start` begins with: through the domain verbs on a suite of its own, whose
 * export a second suite imports and tries over HTTP. Only a world that works replaces the one before. With `--check`
 * nothing is replaced: it says whether the world that is there is the one that would be written.
 */

const TARGET = join(ROOT, "emulator-data");

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
  const pictureOf = (file: string): Uint8Array => {
    const picture = pictures.get(file);
    if (!picture) throw new Error(`there is no picture ${file}`);
    return picture;
  };
  try {
    surround(suite);
    await makeWorld(await galleryDeps(), suite, pictureOf);
  } finally {
    await suite.stop();
  }
  mkdirSync(join(dir, "palms"));
  for (const [file, png] of pictures) writeFileSync(join(dir, "palms", file), png);
  mkdirSync(join(dir, "hands"));
  for (const { file, ...hand } of world.photographs) {
    writeFileSync(join(dir, "hands", file), await encodeJpeg(renderHand(hand)));
  }
  writeFileSync(join(dir, "credentials.json"), `${JSON.stringify(world.credentials, null, 2)}\n`);
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
