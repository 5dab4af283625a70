import { styleText } from "node:util";

export interface Column {
  title: string;
  /** In characters; what is longer is cut. */
  width: number;
  /** Numbers stand at the right. */
  right?: boolean;
  /** `verdict` is green for a good row and red for a bad one. */
  look?: "bold" | "dim" | "verdict";
}

/** Prints a table while its rows come in. Colour is left out where nobody sees it (no terminal, NO_COLOR). */
export function printTable(
  columns: readonly Column[],
  print: (line: string) => void = console.log,
): (cells: readonly string[], good: boolean) => void {
  const line = (cells: readonly string[], paint: (text: string, column: Column) => string) =>
    print(
      columns
        .map((column, i) => paint(padded(cells[i] ?? "", column), column))
        .join("  ")
        .trimEnd(),
    );
  const titles = columns.map(({ title }) => title);
  line(titles, (text) => styleText("bold", text));
  line(
    titles.map((_, i) => "─".repeat(columns[i]?.width ?? 0)),
    (text) => styleText("dim", text),
  );
  return (cells, good) =>
    line(cells, (text, { look }) => {
      if (look === undefined) return text;
      if (look === "verdict") return styleText(good ? "green" : "red", text);
      return styleText(look, text);
    });
}

function padded(text: string, { width, right }: Column): string {
  const cut = text.length > width ? `${text.slice(0, width - 1)}…` : text;
  return right ? cut.padStart(width) : cut.padEnd(width);
}
