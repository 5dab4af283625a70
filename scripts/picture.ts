import { text } from "node:stream/consumers";
import { parseArgs } from "node:util";

/*
 * What a terminal has shown, as a picture: reads text with ANSI colours, writes SVG whose lines come one after the other.
 * `npm run --silent demo:picture`
 */

const { values } = parseArgs({ options: { title: { type: "string", default: "" } } });

const FONT = 13;
const LINE = 18;
const CHARACTER = 7.83; // of the fonts below at that size
const PADDING = 20;
const BAR = 34;
const SECONDS = 0.12;

/** The colours of SGR codes (ECMA-48, 8.3.117) that the scripts use. */
const STYLES: Record<string, string> = { 1: "b", 2: "d", 31: "r", 32: "g", 33: "y", 36: "c" };

const escaped = (words: string): string =>
  words.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");

// biome-ignore lint/suspicious/noControlCharactersInRegex: it is what the codes begin with
const SGR = /\u001b\[(\d*)m/;

/** A line as spans, each of one style. */
function spans(line: string): string {
  const [first = "", ...rest] = line.split(SGR);
  let svg = escaped(first);
  let style: string | undefined;
  for (let i = 0; i < rest.length; i += 2) {
    style = STYLES[rest[i] as string];
    const words = escaped(rest[i + 1] ?? "");
    if (words !== "") svg += style ? `<tspan class="${style}">${words}</tspan>` : words;
  }
  return svg;
}

const bare = (line: string): string => line.replaceAll(new RegExp(SGR.source, "g"), "");

const lines = (await text(process.stdin)).trimEnd().split("\n");
const width = Math.ceil(Math.max(...lines.map((line) => bare(line).length)) * CHARACTER) + 2 * PADDING;
const height = BAR + lines.length * LINE + PADDING;

const rows = lines.map(
  (line, i) =>
    `<text x="${PADDING}" y="${BAR + (i + 1) * LINE - 4}" style="animation-delay:${(i * SECONDS).toFixed(2)}s">${spans(line)}</text>`,
);

console.log(`<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" role="img" aria-label="${escaped(values.title)}">
<style>
text { font: ${FONT}px ui-monospace, "SF Mono", "Cascadia Mono", Menlo, Consolas, "DejaVu Sans Mono", monospace; fill: #d6deeb; white-space: pre; animation: come 0.2s both }
.b { font-weight: 600; fill: #fff } .d { fill: #8b98ad } .r { fill: #ff7b72 } .g { fill: #56d364 } .y { fill: #e3b341 } .c { fill: #76e3ea }
.title { fill: #8b98ad; text-anchor: middle; animation: none }
@keyframes come { from { opacity: 0 } }
@media (prefers-reduced-motion: reduce) { text { animation: none } }
</style>
<rect width="100%" height="100%" rx="10" fill="#0d1420"/>
<circle cx="20" cy="17" r="5" fill="#3a4558"/><circle cx="38" cy="17" r="5" fill="#3a4558"/><circle cx="56" cy="17" r="5" fill="#3a4558"/>
<text x="${width / 2}" y="21" class="title">${escaped(values.title)}</text>
${rows.join("\n")}
</svg>`);
