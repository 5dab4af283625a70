import { invalid } from "../domain/errors.ts";

const MAX_DEPTH = 32;
/** Braces, brackets, commas, colons and strings. A body of five palm samples has about 60. */
const MAX_TOKENS = 20_000;
/** Some encoders escape each slash of base64: one character in 64. */
const MAX_ESCAPES = 400_000;

/**
 * Parses a body. An empty one is `{}`.
 * @throws DomainError `invalid_request` for anything but JSON in UTF-8, duplicate names, a name `__proto__`, more than
 * 32 levels, and for bodies that would keep the thread busy: over 20,000 tokens or 400,000 escapes.
 */
export function parseJson(bytes: Uint8Array): unknown {
  if (bytes.length === 0) return {};
  let text: string;
  try {
    text = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    throw invalid("", "must be JSON in UTF-8");
  }
  // Before parsing, which would drop duplicates and has no limits.
  checkTokens(text);
  try {
    return JSON.parse(text);
  } catch {
    throw invalid("", "must be JSON in UTF-8");
  }
}

/** An object or array that is open: `names` are those seen so far, of an object only. */
interface Level {
  names: Set<string> | undefined;
  /** The name or index of the value that is being read. */
  at: string | number;
  /** Whether the next string is a name. */
  isName: boolean;
}

/** Reads tokens only; what is not JSON in another way is left to JSON.parse. */
function checkTokens(text: string): void {
  const levels: Level[] = [];
  const token = /["{}[\],:]/g;
  const strings = new Strings(text);
  for (let tokens = 0, found = token.exec(text); found; found = token.exec(text)) {
    if (++tokens > MAX_TOKENS) throw invalid("", `must have at most ${MAX_TOKENS} tokens`);
    const level = levels.at(-1);
    if (found[0] === "{" || found[0] === "[") {
      if (levels.length === MAX_DEPTH)
        throw invalid("", `must not be nested deeper than ${MAX_DEPTH} levels`);
      const names = found[0] === "{" ? new Set<string>() : undefined;
      levels.push({ names, at: names ? "" : 0, isName: names !== undefined });
    } else if (found[0] === "}" || found[0] === "]") levels.pop();
    else if (found[0] === '"') {
      const end = strings.endOf(token.lastIndex);
      if (end < 0) return;
      if (level?.isName && level.names) addName(levels, level.names, text.slice(found.index, end));
      token.lastIndex = end;
    } else if (found[0] === ":" && level) level.isName = false;
    else if (found[0] === "," && level) {
      if (level.names) level.isName = true;
      else level.at = Number(level.at) + 1;
    }
  }
}

function addName(levels: readonly Level[], names: Set<string>, quoted: string): void {
  const name = unquote(quoted);
  if (name === undefined) return;
  (levels.at(-1) as Level).at = name;
  // Built only for a refusal: it copies the names of all outer levels, which can be megabytes.
  const path = () => levels.map(({ at }) => at).join(".");
  // Validators would drop this name without a word.
  if (name === "__proto__") throw invalid(path(), "is not allowed as a name");
  if (names.has(name)) throw invalid(path(), "must not be given more than once");
  names.add(name);
}

function unquote(quoted: string): string | undefined {
  if (!quoted.includes("\\")) return quoted.slice(1, -1);
  try {
    return JSON.parse(quoted);
  } catch {
    return undefined;
  }
}

/** Finds where strings end, with a limit on the escapes of all of them together. */
class Strings {
  readonly #text: string;
  readonly #stop = /["\\]/g;
  #escapes = 0;

  constructor(text: string) {
    this.#text = text;
  }

  /** The index behind the closing quote of the string whose content starts at `from`; -1 when it has none. */
  endOf(from: number): number {
    this.#stop.lastIndex = from;
    for (let found = this.#stop.exec(this.#text); found; found = this.#stop.exec(this.#text)) {
      if (found[0] === '"') return this.#stop.lastIndex;
      if (++this.#escapes > MAX_ESCAPES) throw invalid("", `must have at most ${MAX_ESCAPES} escapes`);
      this.#stop.lastIndex += 1;
    }
    return -1;
  }
}
