import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { isDeepStrictEqual } from "node:util";
import { isDemoProject, params, readSecrets } from "../functions/src/config.ts";
import { date, openFirestore } from "../functions/src/data/firestore.ts";
import { openAuth } from "../functions/src/data/identity.ts";
import { createSealing, openKeyring } from "../functions/src/data/keyring.ts";
import { openStorage } from "../functions/src/data/storage.ts";
import { Links } from "../functions/src/domain/palm/links.ts";
import { type EnvironmentKey, templateSeal } from "../functions/src/domain/palm/sealing.ts";
import type { Suite } from "./emulators.ts";

/** A world as plain values: equal worlds have equal dumps, though no export is like another. */
export type Dump = Record<string, unknown>;

type Db = ReturnType<typeof openFirestore>;

/** Opens what is sealed about a palm of an environment; what it says of that is safe to print and to compare. */
type Open = (environment_id: string, palm_id: string, sealed: Uint8Array) => string;

/** Dumps the world of `dir`, which `suite` has imported. This process must have the suite's surroundings. */
export async function dumpWorld(suite: Suite, dir: string): Promise<Dump> {
  const db = openFirestore(suite.project);
  try {
    const keys = await openKeys(db, suite.project);
    const open: Open = (environment_id, palm_id, sealed) => {
      try {
        const key = keys.get(environment_id);
        return key ? digest(key.open(sealed, templateSeal(environment_id, palm_id))) : "without a key";
      } catch {
        // Sealed bytes differ each time, so what cannot be opened equals nothing.
        return `cannot be opened: ${digest(sealed)}`;
      }
    };
    return {
      palms: dumpPictures(join(dir, "palms")),
      hands: dumpPictures(join(dir, "hands")),
      "credentials.json": JSON.parse(readFileSync(join(dir, "credentials.json"), "utf8")),
      auth: await dumpUsers(suite.project),
      firestore: await dumpCollections(await db.listCollections(), keys, open),
      storage: await dumpObjects(suite.project, open),
    };
  } finally {
    await db.terminate();
  }
}

/** Where two dumps differ, by path; never what stands there, which may be a key. */
export function differences(wanted: unknown, found: unknown, path: string): string[] {
  if (isDeepStrictEqual(wanted, found)) return [];
  if (isObject(wanted) && isObject(found)) {
    const names = new Set([...Object.keys(wanted), ...Object.keys(found)]);
    return [...names].flatMap((name) => differences(wanted[name], found[name], `${path}/${name}`));
  }
  if (found === undefined) return [`${path} is missing`];
  return [`${path} ${wanted === undefined ? "is not of the world" : "differs"}`];
}

/** An object, or an array as an object of its indexes. */
const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null;

const digest = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex");

function dumpPictures(dir: string): Dump {
  return Object.fromEntries(readdirSync(dir).map((file) => [file, digest(readFileSync(join(dir, file)))]));
}

async function dumpUsers(project: string): Promise<Dump> {
  const { users } = await openAuth(project).listUsers();
  return Object.fromEntries(users.map(({ uid, email }) => [uid, { email }]));
}

/** The data keys of all environments that have one which the keyring opens. */
async function openKeys(db: Db, project: string): Promise<Map<string, EnvironmentKey>> {
  const sealing = createSealing(
    openKeyring("TEMPLATE_KEYS", readSecrets(), { isDemo: isDemoProject(project) }),
  );
  const keys = new Map<string, EnvironmentKey>();
  for (const { id, ref } of (await db.collection("environments").get()).docs) {
    const wrapped = (await ref.collection("gallery").doc("current").get()).get("wrapped_key");
    try {
      keys.set(id, sealing.unwrap(id, wrapped));
    } catch {
      // Its absence is the difference.
    }
  }
  return keys;
}

/** Every document by its path, those below documents that do not exist included. */
async function dumpCollections(
  collections: Awaited<ReturnType<Db["listCollections"]>>,
  keys: ReadonlyMap<string, EnvironmentKey>,
  open: Open,
): Promise<Dump> {
  const dump: Dump = {};
  for (const collection of collections) {
    for (const ref of await collection.listDocuments()) {
      const data = (await ref.get()).data();
      const environment_id = ref.path.split("/")[1] ?? "";
      const key = keys.get(environment_id);
      const opened = (bytes: Uint8Array): string =>
        collection.id === "gallery"
          ? `the data key ${key ? `opens, links ${key.linksSealed ? "sealed" : "not sealed"}` : "does not open"}`
          : open(environment_id, String(data?.["palm_id"]), bytes);
      if (data)
        dump[ref.path] = plain({ ...data, ...dumpMac(collection.id, environment_id, key, data) }, opened);
      Object.assign(dump, await dumpCollections(await ref.listCollections(), keys, open));
    }
  }
  return dump;
}

/** What is to be said of a MAC: its bytes follow from a key that differs each time. */
function dumpMac(kind: string, environment_id: string, key: EnvironmentKey | undefined, data: Dump): Dump {
  if (!data["mac"] || !key) return {};
  const links = new Links(environment_id, key, { required: true });
  const fault = kind === "palms" ? links.faultOfPalm(data as never) : links.faultOfPut(data as never);
  return { mac: fault ?? "holds" };
}

const ISO_TIME = /\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z/g;

/** A value without its times, and with the bytes in it opened. */
function plain(value: unknown, opened: (bytes: Uint8Array) => string): unknown {
  if (date.safeParse(value).success) return "a time";
  if (value instanceof Uint8Array) return opened(value);
  if (typeof value === "string") return value.replaceAll(ISO_TIME, "a time");
  if (Array.isArray(value)) return value.map((item) => plain(item, opened));
  if (!isObject(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, plain(item, opened)]));
}

/** Every object of the bucket, opened. */
async function dumpObjects(project: string, open: Open): Promise<Dump> {
  const dump: Dump = {};
  const [files] = await openStorage(project).bucket(params.TEMPLATE_BUCKET.value()).getFiles();
  for (const file of files) {
    const [, environment_id = "", , palm_id = ""] = file.name.split("/");
    dump[file.name] = open(environment_id, palm_id, (await file.download())[0]);
  }
  return dump;
}
