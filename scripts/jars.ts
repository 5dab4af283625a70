import { execFile } from "node:child_process";
import { existsSync, readFileSync, realpathSync, writeFileSync } from "node:fs";
import { homedir } from "node:os";
import { delimiter, dirname, join } from "node:path";
import { pathToFileURL } from "node:url";
import { promisify } from "node:util";
import { crc32 } from "node:zlib";
import { ROOT } from "./profiles.ts";

const CACHE = process.env["FIREBASE_EMULATORS_PATH"] ?? join(homedir(), ".cache", "firebase", "emulators");
const SDK_JAR = join("platform", "cloud-firestore-emulator", "cloud-firestore-emulator.jar");
const SDK_MAIN = "com.google.cloud.datastore.emulator.firestore.CloudFirestore";

type Downloads = Record<
  "firestore" | "storage",
  { remoteUrl: string; downloadPathRelativeToCacheDir: string }
>;

/** How the Firebase CLI comes by its jars: environment variables and arguments of the `node` that runs it. */
export interface Jars {
  env: Record<string, string>;
  nodeArgs: string[];
}

/**
 * Leaves the jars to the Firebase CLI (its cache, else a download) whenever it can have them. Otherwise Firestore
 * comes from the Google Cloud SDK, and Storage's rules, which deny everything, need no jar.
 */
export async function findJars(workDir: string): Promise<Jars> {
  const jars: Jars = { env: { FIREBASE_EMULATORS_PATH: CACHE }, nodeArgs: [] };
  const info = join(ROOT, "node_modules/firebase-tools/lib/emulator/downloadableEmulatorInfo.json");
  const { firestore, storage } = JSON.parse(readFileSync(info, "utf8")) as Downloads;
  const isMissing = (jar: typeof firestore) => !existsSync(join(CACHE, jar.downloadPathRelativeToCacheDir));
  if (!(isMissing(firestore) || isMissing(storage)) || (await isReachable(firestore.remoteUrl))) return jars;

  if (isMissing(firestore)) {
    const jar = sdkJar();
    if (jar === undefined) {
      throw new Error(
        "the Firestore emulator is neither in the Firebase CLI's cache nor can it be downloaded: connect once and " +
          "run `npx firebase setup:emulators:firestore`, or install the Google Cloud SDK's cloud-firestore-emulator",
      );
    }
    const launcher = join(workDir, "firestore.jar");
    writeFileSync(launcher, launcherJar(jar));
    jars.env["FIRESTORE_EMULATOR_BINARY_PATH"] = launcher;
  }
  if (isMissing(storage)) jars.nodeArgs.push("--require", join(ROOT, "scripts", "offline-storage-rules.cjs"));
  return jars;
}

/** Asked in a process of its own, because only there `fetch` minds HTTPS_PROXY like the Firebase CLI does. */
async function isReachable(url: string): Promise<boolean> {
  const probe = `await fetch(${JSON.stringify(url)}, { method: "HEAD", signal: AbortSignal.timeout(2000) })`;
  try {
    await promisify(execFile)(process.execPath, ["--input-type=module", "--eval", probe], {
      env: { ...process.env, NODE_USE_ENV_PROXY: "1" },
      timeout: 3000,
    });
    return true;
  } catch {
    return false;
  }
}

function sdkJar(): string | undefined {
  const home = homedir();
  const gclouds = (process.env["PATH"] ?? "").split(delimiter).map((dir) => join(dir, "gcloud"));
  const roots = [
    process.env["CLOUDSDK_ROOT_DIR"],
    ...gclouds.filter(existsSync).map((gcloud) => dirname(dirname(realpathSync(gcloud)))),
    "/usr/lib/google-cloud-sdk",
    "/usr/share/google-cloud-sdk",
    "/usr/local/google-cloud-sdk",
    "/opt/google-cloud-sdk",
    "/snap/google-cloud-cli/current",
    "/snap/google-cloud-sdk/current",
    "/opt/homebrew/share/google-cloud-sdk",
    "/usr/local/share/google-cloud-sdk",
    join(home, "google-cloud-sdk"),
    join(home, "Downloads", "google-cloud-sdk"),
  ];
  return roots
    .filter((root) => root !== undefined)
    .map((root) => join(root, SDK_JAR))
    .find((jar) => existsSync(jar));
}

/** The SDK's jar does not say what to start, and the CLI runs `java -jar`: a jar of one manifest that says it. */
function launcherJar(jar: string): Buffer {
  const lines = [
    "Manifest-Version: 1.0",
    `Main-Class: ${SDK_MAIN}`,
    `Class-Path: ${pathToFileURL(jar).href}`,
  ];
  // A manifest's lines end at 72 bytes and go on behind a space.
  const manifest = lines.map((line) => `${line.match(/.{1,70}/g)?.join("\r\n ")}\r\n`).join("");
  return storedZip("META-INF/MANIFEST.MF", Buffer.from(manifest));
}

/** A ZIP archive of one uncompressed file (APPNOTE 4.3). */
function storedZip(name: string, data: Buffer): Buffer {
  const entry = Buffer.alloc(26); // what the local and the central header have in common
  entry.writeUInt16LE(10, 0); // version needed
  entry.writeUInt16LE(0x21, 8); // 1 January 1980
  entry.writeUInt32LE(crc32(data), 10);
  entry.writeUInt32LE(data.length, 14);
  entry.writeUInt32LE(data.length, 18);
  entry.writeUInt16LE(name.length, 22);
  const local = Buffer.concat([Buffer.from("PK\x03\x04"), entry, Buffer.from(name), data]);
  const central = Buffer.concat([
    Buffer.from("PK\x01\x02\x0a\x00"),
    entry,
    Buffer.alloc(14),
    Buffer.from(name),
  ]);
  const end = Buffer.alloc(22);
  end.write("PK\x05\x06", "latin1");
  end.writeUInt16LE(1, 8);
  end.writeUInt16LE(1, 10);
  end.writeUInt32LE(central.length, 12);
  end.writeUInt32LE(local.length, 16);
  return Buffer.concat([local, central, end]);
}
