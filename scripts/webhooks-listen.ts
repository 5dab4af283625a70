import { styleText } from "node:util";
import { Command, CommanderError, InvalidArgumentError, Option } from "commander";
import { interruption } from "./emulators.ts";
import { type Received, type Receiver, startReceiver } from "./webhooks/receiver.ts";

/*
 * An endpoint for webhooks on this computer: shows what comes, says whether it is genuine, and plays a bad one if asked.
 * `npm run webhooks:listen -- --help`
 */

const AFTER = `
The URL that it prints can be registered where npm start runs; elsewhere webhooks go to https alone. It knows a delivery
to be genuine by the webhook's secret, which createWebhook and rotateWebhookSecret show once. During a rotation's grace
give both. With --json it prints one JSON document a line; call it as npm run --silent webhooks:listen -- …

Examples:
  npm run webhooks:listen -- --secret whsec_…
  npm run webhooks:listen -- --status 503 --times 2       fails twice, then works
  npm run webhooks:listen -- --delay 30                   is too slow: a delivery is given 20 seconds`;

/** A whole number, or with `digits` one of that many decimals, within bounds. */
const number =
  (least: number, most: number, digits = 0) =>
  (value: string): number => {
    const form = digits > 0 ? RegExp(`^\\d+(\\.\\d{1,${digits}})?$`) : /^\d+$/;
    if (form.test(value) && Number(value) >= least && Number(value) <= most) return Number(value);
    throw new InvalidArgumentError(`It is no ${digits > 0 ? "" : "whole "}number from ${least} to ${most}.`);
  };

const list = (value: string, before: readonly string[] = []): string[] => [
  ...before,
  ...value.split(/[\s,]+/).filter((one) => one !== ""),
];

const program = new Command("npm run webhooks:listen --")
  .description("Receives webhooks at http://localhost:<port>/, verifies and prints them.")
  .addOption(
    new Option("--port <port>", "where to listen")
      .env("WEBHOOK_PORT")
      .default(4000)
      .argParser(number(1024, 65_535)),
  )
  .addOption(
    new Option("--secret <secret>", "the webhook's; may be given several times")
      .env("WEBHOOK_SECRET")
      .argParser(list),
  )
  .addOption(new Option("--status <code>", "answer with it").argParser(number(200, 599)))
  .addOption(
    new Option("--delay <seconds>", "let the sender wait before it is answered").argParser(
      number(0, 3600, 3),
    ),
  )
  .addOption(new Option("--drop", "cut the connection instead of answering").conflicts("status"))
  .addOption(
    new Option("--times <n>", "be so bad to the first n requests alone").argParser(number(1, 1_000_000)),
  )
  .option("--json", "print one JSON document a line")
  .configureOutput({ outputError: (words) => say(words.trim().replace(/^error: /, "")) })
  .exitOverride()
  .addHelpText("after", AFTER);

const say = (words: string): void => void process.stderr.write(`webhooks:listen: ${words}\n`);

try {
  await listen();
} catch (error) {
  if (!(error instanceof CommanderError)) say(error instanceof Error ? error.message : String(error));
  process.exitCode = error instanceof CommanderError && error.exitCode === 0 ? 0 : 1;
}

async function listen(): Promise<void> {
  const { port, secret: secrets = [], delay = 0, json, ...behaviour } = program.parse().opts();
  // Before anything is said: whoever hears it may end us at once.
  const interrupted = interruption();
  const print = (line: string): void => void process.stdout.write(`${line}\n`);
  // Whoever reads may have seen enough.
  process.stdout.on("error", () => undefined);

  const receiver = await startReceiver({
    ...behaviour,
    port,
    secrets,
    delay_ms: delay * 1000,
    tell: json ? (received) => print(JSON.stringify(received)) : (received) => print(describe(received)),
  });
  const inform = json ? say : print;
  inform(`Listening. Register ${receiver.url} as a webhook's url; Ctrl-C ends.`);
  if (secrets.length === 0) {
    inform(
      "Nothing is verified: give the secret with --secret or in WEBHOOK_SECRET. It is in the answer of createWebhook,\n" +
        "POST /v1/project/{project_id}/webhooks, and a lost one is replaced by POST …/webhooks/{webhook_id}/rotate-secret.",
    );
  }
  interrupted.addEventListener("abort", async () => {
    await receiver.close();
    inform(`${json ? "" : "\n"}${summarize(receiver)}`);
  });
}

/** A line about it, then its body. */
function describe({
  at,
  event_id,
  event_type,
  time,
  verified,
  faults,
  answer,
  delay_ms,
  body,
}: Received): string {
  const cells = [
    at.toISOString().slice(11, 23),
    styleText("bold", clean(event_type ?? "no event").replaceAll(/\s/g, " ")),
    event_id === null ? "without an id" : clean(event_id),
    verified === null
      ? styleText("yellow", "unverified")
      : verified
        ? styleText("green", "verified")
        : styleText("red", `NOT VERIFIED: ${faults.join("; ")}`),
    ...(time > 1 ? [`came ${time} times`] : []),
    `${answer === null ? "cut off" : `answered ${answer}`}${delay_ms > 0 ? ` after ${delay_ms / 1000} s` : ""}`,
  ];
  return `${cells.join("  ")}\n${styleText("dim", clean(pretty(body)).replaceAll(/^/gm, "  "))}`;
}

function pretty(body: string): string {
  try {
    return JSON.stringify(JSON.parse(body), null, 2);
  } catch {
    return body;
  }
}

/** What anybody may have sent gives the terminal no orders. */
const clean = (text: string): string => text.replaceAll(/[\p{Cc}--[\n\t]]/gv, "\uFFFD");

function summarize({ received }: Receiver): string {
  const events = new Set(received.map(({ event_id }) => event_id)).size;
  const verified = received.filter((one) => one.verified).length;
  return `Requests: ${received.length}, events: ${events}, verified: ${verified}.`;
}
