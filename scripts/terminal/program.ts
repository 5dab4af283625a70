import { mkdirSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { Command, CommanderError, InvalidArgumentError, Option } from "commander";
import { Api, type World } from "./api.ts";
import { Camera } from "./camera.ts";
import { type Disk, disk, Folder } from "./identity.ts";
import type { Keys } from "./keys.ts";
import { type Job, Removed, runDoor, runJob } from "./run.ts";
import { tellUnknown } from "./scan.ts";
import { createScreen, type Kind, type Money, minorUnits, type Screen } from "./screen.ts";
import type { Terminal } from "./terminal.ts";

const SUITE = "http://127.0.0.1:5005";

const AFTER = `
Out of the box it shows a code. POST /v1/project/{project_id}/devices/register with that code makes it a device of the
project; then it waits for POST /v1/device/{device_id}/enrollment and captures a palm, and scans when Enter is pressed.
Who it is stays in the folder. Pictures whose names differ in their last number alone are of one palm.

With --auto nobody needs to press a key. It registers if it has to, waits for an enrolment, scans once and ends:
  --enroll-only            no scan
  --scan [n]               no enrolment, n scans
  --pay 1250:EUR:coffee    no enrolment, a payment of 12.50 EUR, after the scans if --scan is given
It ends with 0 when all of it went well (enrolled, identified, approved), 1 when something was refused or failed, 2 when
it was called wrongly, 130 after Ctrl-C. Call it as npm run --silent terminal -- … with --json, or npm prints its own lines.

Examples:
  npm run terminal -- palms --out palms
  npm run terminal -- --palms palms
  npm run --silent terminal -- --palms palms --auto --json
  npm run terminal -- reset
How a terminal of your own does the same: docs/terminals.md`;

/** Why a terminal is switched off, and what the program then ends with. */
export class Off extends Error {
  readonly exit_code: number;
  constructor(exit_code: number) {
    super("switched off");
    this.exit_code = exit_code;
  }
}

/** What the program has of the world outside. */
export interface Outside {
  out(words: string): void;
  say(words: string): void;
  world: World;
  /** What a terminal says that it runs. */
  version: string;
  /** Characters in a line of the screen; undefined where nobody looks at one. */
  columns: number | undefined;
  /** Undefined where nobody can press any. */
  readKeys?: ((onEnd: (how: "quit" | "interrupt") => void) => Keys) | undefined;
  /** Switches the terminal off. */
  off: AbortController;
  disk?: Disk;
}

/** Block letters of a code take so many. */
const WIDE = 64;

/** Runs the program. @returns its exit code */
export async function runProgram(args: readonly string[], outside: Outside): Promise<number> {
  let code = 0;
  const say = (words: string) => outside.say(`terminal: ${words.replaceAll(/\p{Cc}/gu, " ")}\n`);
  const program = createProgram(outside, async (run) => {
    code = await run();
  });
  try {
    await program.parseAsync(args, { from: "user" });
    return code;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
    if (error instanceof Off) return error.exit_code;
    if (!(error instanceof Removed)) say(error instanceof Error ? error.message : String(error));
    return 1;
  }
}

function createProgram(
  outside: Outside,
  does: (run: () => number | Promise<number>) => Promise<void>,
): Command {
  const program = new Command("npm run terminal --")
    .description("A palm terminal on this computer: it behaves as a real one, and sees pictures from files.")
    .addOption(
      new Option("--api <url>", `where the API is (default: its folder's, or ${SUITE})`)
        .env("PALMGATE_URL")
        .argParser(base),
    )
    .addOption(
      new Option(
        "--search-api <url>",
        "where samples and scans go, if not there: a function's own URL",
      ).argParser(base),
    )
    .option("--folder <folder>", "where it keeps who it is", ".terminal")
    .addOption(
      new Option(
        "--palms <folder>",
        "pictures of palms' regions that the camera sees: PNG, JPEG, BMP",
      ).conflicts(["image", "photos", "photo"]),
    )
    .addOption(
      new Option("--photos <folder>", "photographs of hands that it sees: PNG, JPEG, WebP").conflicts([
        "image",
        "photo",
      ]),
    )
    .option("--palm <name>", "the palm that comes first: a picture's name without its number")
    .addOption(new Option("--image <file>", "the one picture that the camera sees").conflicts("photo"))
    .option("--photo <file>", "the one photograph that it sees")
    .addOption(new Option("--amount <amount>", "what the payment key asks for").default("12.50"))
    .addOption(new Option("--currency <code>", "its currency").default("EUR").argParser(currency))
    .option("--auto", "do a job and end (see below)")
    .addOption(new Option("--enroll-only", "with --auto: one enrolment").conflicts(["scan", "pay"]))
    .addOption(new Option("--scan [n]", "with --auto: scans").argParser(whole(1, 1000)).preset("1"))
    .addOption(new Option("--pay <minor:currency[:reference]>", "with --auto: a payment").argParser(money))
    .option("--json", "print one JSON document a line, for each thing that happens")
    .configureOutput({ writeOut: outside.out, writeErr: outside.say })
    .showHelpAfterError("(--help tells more)")
    .exitOverride()
    .addHelpText("after", AFTER)
    .action(() => does(() => run(program, outside)));
  program
    .command("palms")
    .description("Writes pictures of synthetic palms, the same ones each time.")
    .requiredOption("--out <folder>", "where to")
    .addOption(new Option("--people <n>", "of two hands each").default(3).argParser(whole(1, 99)))
    .addOption(new Option("--samples <n>", "pictures of each hand").default(5).argParser(whole(1, 99)))
    .action((options) => does(() => writePalms(options, outside)));
  program
    .command("reset")
    .description("Forgets who it is: the next start is one out of the box.")
    .action(() => does(() => reset(program.opts(), outside)));
  return program;
}

const whole =
  (least: number, most: number) =>
  (value: string): number => {
    if (/^\d+$/.test(value) && Number(value) >= least && Number(value) <= most) return Number(value);
    throw new InvalidArgumentError(`It is no whole number from ${least} to ${most}.`);
  };

function base(value: string): string {
  const url = URL.parse(value);
  if (!url || !/^https?:$/.test(url.protocol)) throw new InvalidArgumentError("It is no http or https URL.");
  return `${url.origin}${url.pathname}`.replace(/\/+$/, "").replace(/\/v1$/, "");
}

function currency(value: string): string {
  if (/^[A-Z]{3}$/.test(value)) return value;
  throw new InvalidArgumentError("It is no currency code of three capital letters.");
}

function money(value: string): Money {
  const [, minor, code, reference = null] = /^([1-9]\d{0,11}):([A-Z]{3})(?::(.{1,200}))?$/u.exec(value) ?? [];
  if (code) return { amount_minor: Number(minor), currency: code, reference };
  throw new InvalidArgumentError(
    "It is not like 1250:EUR or 1250:EUR:coffee, in the currency's smallest unit.",
  );
}

async function run(program: Command, outside: Outside): Promise<number> {
  const { out, say, world, off, columns, version } = outside;
  const options = program.opts();
  const { auto, json, enrollOnly, scan, pay, palms, photos, image, photo } = options;
  const wrong = (words: string): never => program.error(`error: ${words}`, { exitCode: 2 });
  if (!auto && (enrollOnly || scan || pay)) wrong("--enroll-only, --scan and --pay are for --auto");
  if (!palms && !photos && !image && !photo) {
    wrong(
      "without pictures it has no camera: give --palms, --photos, --image or --photo " +
        "(npm run terminal -- palms --out palms makes some)",
    );
  }
  const amount_minor = minorUnits(options["amount"], options["currency"]) ?? 0;
  if (amount_minor < 1) wrong(`${options["amount"]} is no amount of ${options["currency"]}`);
  const price: Money = { amount_minor, currency: options["currency"], reference: null };
  const camera = openCamera(options);

  const folder = Folder.open(resolve(options["folder"]), outside.disk ?? disk);
  const kind: Kind = json ? "json" : columns !== undefined && columns >= WIDE && !auto ? "tty" : "plain";
  const screen = createScreen(kind, out, world.now);
  let keys: Keys | undefined;
  try {
    const terminal = (): Terminal => {
      const at = baseOf(folder, options["api"]);
      if (/^http:\/\/(?!localhost|127\.|\[::1\])/.test(at))
        say(`terminal: ${at} is no https: whoever listens sees the key\n`);
      const searchBase = options["searchApi"] ?? at;
      const api = new Api(at, screen.tell, world, { searchBase });
      const about = { app_version: `simulator ${version}`, model: "simulator" };
      return { base: at, api, folder, camera, world, tell: screen.tell, about, signal: off.signal };
    };
    if (auto) {
      const enroll = enrollOnly || !(scan || pay);
      const job: Job = { enroll, scans: scan ?? (enroll && !enrollOnly ? 1 : 0), payment: pay };
      return (await runJob(terminal(), job)) ? 0 : 1;
    }
    if (!json) keys = outside.readKeys?.((how) => off.abort(new Off(how === "quit" ? 0 : 130)));
    for (;;) {
      try {
        await runDoor(terminal(), price, keys, (text) => screen.status(text));
      } catch (error) {
        if (!(error instanceof Removed) || !(await isToForget(keys, screen, off.signal))) throw error;
        folder.reset();
        screen.tell({ event: "forgotten", folder: folder.path });
      }
    }
  } finally {
    keys?.close();
    screen.close();
    folder.close();
  }
}

/** @param options one of `palms`, `photos`, `image` and `photo` */
function openCamera({ palms, photos, image, photo, palm }: Record<string, string | undefined>): Camera {
  if (palms) return Camera.ofFolder("image", palms, palm);
  if (photos) return Camera.ofFolder("photo", photos, palm);
  return photo ? Camera.ofFile("photo", photo) : Camera.ofFile("image", image ?? "");
}

/** The key in the folder is for one API: it is shown to no other. */
function baseOf(folder: Folder, wanted: string | undefined): string {
  const { api = wanted ?? SUITE } = folder.identity ?? {};
  if (wanted === undefined || wanted === api) return api;
  throw new Error(`${folder.path} is of a terminal at ${api}: use another --folder, or reset it.`);
}

async function isToForget(keys: Keys | undefined, screen: Screen, signal: AbortSignal): Promise<boolean> {
  if (!keys) return false;
  keys.forget();
  screen.status("Forget who it was, and register anew (as reset does)? y/n");
  const key = await keys.next(signal);
  screen.status("");
  return key === "yes";
}

function reset({ folder: path, json }: { folder: string; json?: true }, outside: Outside): number {
  const screen = createScreen(json ? "json" : "plain", outside.out, outside.world.now);
  const folder = Folder.open(resolve(path), outside.disk ?? disk);
  try {
    const pending = folder.reset();
    if (pending) tellUnknown(screen.tell, pending, "the terminal was reset before it was answered");
    screen.tell({ event: "forgotten", folder: folder.path });
    return 0;
  } finally {
    folder.close();
  }
}

/** Behind every other synthetic palm of this project: these are nobody's there. */
const FIRST_SEED = 9000;

async function writePalms(
  { out, people, samples }: { out: string; people: number; samples: number },
  outside: Outside,
): Promise<number> {
  const { encodePng, syntheticPalm } = await import("../../test/support/palms.ts");
  mkdirSync(out, { recursive: true });
  const hands = Array.from({ length: people }, (_, i) => i + 1).flatMap((person) =>
    ["left", "right"].map((hand, i) => ({
      name: `person-${String(person).padStart(2, "0")}-${hand}`,
      seed: FIRST_SEED + 2 * person + i,
    })),
  );
  for (const { name, seed } of hands) {
    for (let sample = 1; sample <= samples; sample++) {
      writeFileSync(join(out, `${name}-${sample}.png`), encodePng(syntheticPalm({ seed, sample })));
    }
  }
  outside.out(`${hands.length * samples} pictures in ${out}: ${hands[0]?.name}-1.png, …\n`);
  return 0;
}
