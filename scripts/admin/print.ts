import { printTable } from "../table.ts";

type Fields = Record<string, unknown>;

/** Prints a result for people: a table of a list, a line for each field of a single thing. */
export function printResult(
  result: object,
  columns: readonly string[] | undefined,
  print: (line: string) => void,
): void {
  if (Array.isArray(result)) {
    printList(result, columns ?? [], print);
    return;
  }
  const fields = Object.entries(result);
  const width = Math.max(...fields.map(([name]) => name.length));
  for (const [name, value] of fields) print(`${name.padEnd(width)}  ${cell(value)}`);
}

function printList(
  items: readonly Fields[],
  columns: readonly string[],
  print: (line: string) => void,
): void {
  const rows = items.map((item) => columns.map((name) => cell(item[name])));
  const widths = columns.map((name, i) => Math.max(name.length, ...rows.map((row) => row[i]?.length ?? 0)));
  const row = printTable(
    columns.map((title, i) => ({ title, width: widths[i] ?? 0 })),
    print,
  );
  for (const cells of rows) row(cells, true);
}

function cell(value: unknown): string {
  if (value === null) return "–";
  if (value instanceof Date) return value.toISOString();
  if (Array.isArray(value)) return value.length > 0 ? value.map(cell).join(", ") : "–";
  return typeof value === "object" ? JSON.stringify(value) : String(value);
}
