/** What a page shows as the output of a block. `…` is anything, and at the end of an array or of lines all the rest. */
export interface Shown {
  language: keyof typeof COMPARED;
  text: string;
}

/** How each language is compared with what was printed: @returns every difference, in words. */
export const COMPARED = {
  json: compareJson,
  csv: lines("\r\n"),
  text: lines("\n"),
  /** As `curl -i` prints it: CRLF after the headers, anything in the body. */
  http: (shown: string, printed: string) => lines("\n")(shown, printed.replaceAll("\r\n", "\n")),
} satisfies Record<string, (shown: string, printed: string) => string[]>;

/** @param shown undefined where nothing is to be printed */
export function compare(shown: Shown | undefined, printed: string): string[] {
  if (shown !== undefined) return COMPARED[shown.language](shown.text, printed);
  return printed === "" ? [] : [`prints ${JSON.stringify(printed)}, which the page does not show`];
}

function compareJson(shown: string, printed: string): string[] {
  const wanted: unknown = JSON.parse(shown);
  let came: unknown;
  try {
    came = JSON.parse(printed);
  } catch {
    return [`prints no JSON but ${JSON.stringify(printed)}`];
  }
  return differences(wanted, came, "the answer");
}

function lines(end: string) {
  return (shown: string, printed: string): string[] => {
    if (!printed.endsWith(end)) return [`prints a last line without its end: ${JSON.stringify(printed)}`];
    const rows = printed.split(end).slice(0, -1);
    const wanted = shown.trimEnd().split("\n");
    if (wanted.at(-1) === "…") rows.splice(wanted.length - 1, rows.length, "");
    return Array.from({ length: Math.max(rows.length, wanted.length) }, (_, i) => {
      const [row, pattern] = [rows[i], wanted[i]];
      if (pattern === undefined) return `row ${i + 1}, ${JSON.stringify(row)}, is one too many`;
      if (row !== undefined && fits(pattern, row)) return [];
      return `row ${i + 1} is ${row === undefined ? "missing" : JSON.stringify(row)}, not ${JSON.stringify(pattern)}`;
    }).flat();
  };
}

function differences(shown: unknown, came: unknown, at: string): string[] {
  if (shown === "…" && came !== undefined) return [];
  if (Array.isArray(shown) && Array.isArray(came) && shown.at(-1) === "…") {
    const first = shown.slice(0, -1);
    return differences(first, came.slice(0, first.length), at);
  }
  if (isObject(shown) && isObject(came) && Array.isArray(shown) === Array.isArray(came)) {
    const names = new Set([...Object.keys(shown), ...Object.keys(came)]);
    return [...names].flatMap((name) => differences(shown[name], came[name], `${at}'s ${name}`));
  }
  if (typeof shown === "string" && typeof came === "string" && fits(shown, came)) return [];
  return shown === came ? [] : [`${at} is ${JSON.stringify(came)}, not ${JSON.stringify(shown)}`];
}

/** An object, or an array as an object of its indexes. */
function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null;
}

/** Whether a text is what a page shows, `…` being anything. */
function fits(pattern: string, text: string): boolean {
  const parts = pattern.split("…").map((part) => part.replaceAll(/[\\^$.*+?()[\]{}|]/g, "\\$&"));
  return new RegExp(`^${parts.join(".*")}$`, "s").test(text);
}
