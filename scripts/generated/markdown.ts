/** A table; a title that begins with `--` is of numbers, which stand at the right. */
export function markdownTable(titles: readonly string[], rows: readonly (readonly string[])[]): string {
  const lines = [
    titles.map((title) => title.replace(/^--/, "")),
    titles.map((title) => (title.startsWith("--") ? "--:" : "---")),
    ...rows,
  ];
  return lines.map((cells) => `| ${cells.join(" | ")} |`).join("\n");
}
