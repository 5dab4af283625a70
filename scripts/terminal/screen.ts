import { relative } from "node:path";
import { styleText } from "node:util";
import { blockLetters } from "./letters.ts";

/** What happens to a terminal, as people and scripts are told it. Never a key. */
type Event =
  | { event: "started"; api: string; folder: string; device_id: string | null }
  | { event: "code"; registration_code: string; expires_at: string }
  | { event: "code_expired" }
  | { event: "registered"; device_id: string; project_id: string }
  | { event: "device"; name: string; enabled: boolean; mode: string; template_format: string | null }
  | {
      event: "session";
      session_id: string;
      member_id: string | null;
      hand: string;
      samples_accepted: number;
      samples_required: number;
      expires_at: string;
      palm: string;
    }
  | {
      event: "sample";
      picture: string;
      accepted: boolean;
      /** Why it was refused. */
      code: string | null;
      samples_accepted: number;
      samples_required: number;
    }
  | { event: "all_refused"; palm: string; next_in_s: number }
  | { event: "ended"; session_id: string; status: string; code: string | null; member_id: string | null }
  | {
      event: "scan";
      picture: string | null;
      scan_id: string;
      outcome: string;
      member_id: string | null;
      score: number | null;
      threshold: number;
      searched: number;
      took_ms: number;
    }
  | ({ event: "payment"; transaction_id: string; status: string } & Money)
  | ({ event: "payment_pending"; created_at: string } & Money)
  | ({ event: "payment_unknown"; created_at: string; reason: string } & Money)
  | { event: "refused"; what: "scan" | "payment" | "sample"; status: number; code: string; detail: string }
  | { event: "hand"; palm: string; pictures: number }
  | { event: "offline"; reason: string }
  | { event: "busy"; code: string; retry_in_s: number }
  | { event: "online"; after_s: number }
  | { event: "removed"; detail: string }
  | { event: "forgotten"; folder: string };

export interface Money {
  amount_minor: number;
  currency: string;
  reference: string | null;
}

export type Tell = (event: Event) => void;

/** How many decimals a currency's amounts have (ISO 4217, as ICU knows it). */
const decimalsOf = (currency: string): number =>
  new Intl.NumberFormat("en", { style: "currency", currency }).resolvedOptions().maximumFractionDigits ?? 2;

/** `12.50 EUR`, of 1250. */
export function showMoney({ amount_minor, currency }: Pick<Money, "amount_minor" | "currency">): string {
  const decimals = decimalsOf(currency);
  const digits = String(amount_minor).padStart(decimals + 1, "0");
  const whole = digits.slice(0, digits.length - decimals);
  return `${whole}${decimals > 0 ? `.${digits.slice(-decimals)}` : ""} ${currency}`;
}

/** 1250, of `12.50` EUR; undefined when that is no amount. */
export function minorUnits(amount: string, currency: string): number | undefined {
  const [, whole = "", part = ""] = /^(\d+)(?:\.(\d+))?$/.exec(amount) ?? [];
  const decimals = decimalsOf(currency);
  if (whole === "" || part.length > decimals) return undefined;
  return Number(`${whole}${part.padEnd(decimals, "0")}`);
}

const REASONS: Readonly<Record<string, string>> = {
  poor_quality: "no palm can be seen in it",
  no_hand: "no open hand can be seen in it",
  hand_mismatch: "it shows the other hand, or a mirrored one",
  template_mismatch: "not the palm, or not the hand, of those before",
  duplicate_palm: "this palm is another member's",
  limit_reached: "this member has as many palms as they may",
};

/** A code with what it means, where that is known. */
const because = (code: string): string => (REASONS[code] ? `${code}, ${REASONS[code]}` : code);

const good = (text: string) => styleText("green", text);
const bad = (text: string) => styleText("red", text);
const dim = (text: string) => styleText("dim", text);
const bold = (text: string) => styleText("bold", text);

/** A folder as people here would name it. */
function near(folder: string): string {
  const path = relative(process.cwd(), folder);
  return path === "" || path.startsWith("..") ? folder : path;
}

const progress = (accepted: number, required: number): string =>
  `${"■".repeat(accepted)}${"□".repeat(Math.max(0, required - accepted))}`;

/** An event in lines for people. @param big whether the code is drawn in block letters */
function describe(happened: Event, big: boolean): string {
  switch (happened.event) {
    case "started": {
      const { api, folder, device_id } = happened;
      return device_id === null
        ? `A terminal out of its box, at ${api}. It keeps who it is in ${near(folder)}.`
        : `Terminal ${device_id}, at ${api}.`;
    }
    case "code": {
      const { registration_code: code, expires_at } = happened;
      const until = `It works until ${expires_at.slice(11, 16)} UTC.`;
      const how = `${until} Enter it where terminals are registered: POST /v1/project/{project_id}/devices/register`;
      return big ? `\n${bold(blockLetters(code))}\n\n${how}` : `Registration code: ${bold(code)}\n${how}`;
    }
    case "code_expired":
      return "Nobody has entered the code in time; here is another one.";
    case "registered":
      return `${good("Registered")} as device ${happened.device_id} of project ${happened.project_id}.`;
    case "device": {
      const { name, enabled, mode, template_format } = happened;
      const state = enabled ? "ready" : bad("disabled: it takes no samples and no scans");
      const lacks = template_format === null ? `, ${bad("its project has no environment")}` : "";
      return `${bold(name)} is ${state}${mode === "demo" ? ", in demo mode" : ""}${lacks}.`;
    }
    case "session": {
      const { member_id, hand, samples_accepted: accepted, samples_required: required, palm } = happened;
      const whose = member_id === null ? "somebody" : `member ${member_id}`;
      const which = hand === "unknown" ? "a hand" : `the ${hand} hand`;
      const what = `Enrolment of ${whose}: hold ${which} over the camera`;
      return `${what} ${dim(`(${palm})`)}\n  capturing ${accepted}/${required}`;
    }
    case "sample": {
      const { picture, accepted, code, samples_accepted, samples_required } = happened;
      const verdict = accepted ? good("accepted") : bad(`refused: ${because(code ?? "unknown")}`);
      const count = `${samples_accepted}/${samples_required}`;
      return `  ${progress(samples_accepted, samples_required)} ${count}  ${dim(picture)}  ${verdict}`;
    }
    case "all_refused":
      return `  Every picture of ${happened.palm} was refused; the next try is in ${happened.next_in_s} s.`;
    case "ended": {
      const { status, code, member_id } = happened;
      if (status === "completed")
        return good(`Enrolled${member_id === null ? "" : `: member ${member_id}`}.`);
      return bad(`The enrolment ended: ${status}${code === null ? "" : ` (${because(code)})`}.`);
    }
    case "scan": {
      const { picture, outcome, member_id, score, threshold, searched, took_ms } = happened;
      const verdict =
        outcome === "identified"
          ? `${good(outcome)}  ${member_id === null ? "somebody enrolled" : `member ${member_id}`}`
          : bad(outcome);
      const scores = `score ${score?.toFixed(2) ?? "–"}, threshold ${threshold.toFixed(2)}, ${searched} palms, ${took_ms} ms`;
      return `Scan ${picture === null ? "" : `${dim(picture)}  `}${verdict}\n  ${dim(scores)}`;
    }
    case "payment": {
      const { status, reference } = happened;
      const verdict = status === "approved" ? good(status) : bad(status);
      return `Payment of ${showMoney(happened)}${reference === null ? "" : ` for ${reference}`}: ${verdict}`;
    }
    case "payment_pending":
      return `The payment of ${showMoney(happened)} of ${happened.created_at} was not answered: it is asked again, by the same key.`;
    case "payment_unknown":
      return bad(
        `What became of the payment of ${showMoney(happened)} of ${happened.created_at} is not known ` +
          `(${happened.reason}): look for it in the project's transactions.`,
      );
    case "refused":
      return bad(`The ${happened.what} was refused: ${happened.status} ${happened.code}. ${happened.detail}`);
    case "hand":
      return `In front of the camera: ${bold(happened.palm)} (${happened.pictures}).`;
    case "offline":
      return bad(`Offline: ${happened.reason}. It goes on trying.`);
    case "busy":
      return `The server asks to wait (${happened.code}): ${happened.retry_in_s} s.`;
    case "online":
      return good(`Back after ${happened.after_s} s.`);
    case "removed":
      return bad("This terminal was removed, or its key was replaced: the server does not know it any more.");
    case "forgotten":
      return `What ${near(happened.folder)} knew is forgotten: the next start is one out of the box.`;
  }
}

/** Where events are shown. */
export interface Screen {
  tell: Tell;
  /** What is going on meanwhile, in the last line of a screen that has such. */
  status(text: string): void;
  /** Leaves the last line as it should be. */
  close(): void;
}

export type Kind = "tty" | "plain" | "json";

export function createScreen(kind: Kind, out: (text: string) => void, now: () => number): Screen {
  if (kind === "json") {
    const tell: Tell = (event) => out(`${JSON.stringify({ at: new Date(now()).toISOString(), ...event })}\n`);
    return { tell, status: () => undefined, close: () => undefined };
  }
  if (kind === "plain") {
    const tell: Tell = (event) => out(`${describe(clean(event), false)}\n`);
    return { tell, status: () => undefined, close: () => undefined };
  }
  let last = "";
  const CLEAR = "\r\u001b[K";
  return {
    tell: (event) => out(`${last && CLEAR}${describe(clean(event), true)}\n${last}`),
    status(text) {
      const line = text && dim(text);
      if (line === last) return;
      out(`${last && CLEAR}${line}`);
      last = line;
    },
    close() {
      if (last) out(CLEAR);
      last = "";
    },
  };
}

/** What others have said (a device's name, a refusal) gives the screen no orders. */
const clean = (event: Event): Event =>
  JSON.parse(JSON.stringify(event), (_, value) =>
    typeof value === "string" ? value.replaceAll(/\p{Cc}/gu, "\uFFFD") : value,
  );
