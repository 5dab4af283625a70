import { COMPARED, type Shown } from "./compare.ts";
import { type Block, parseBlocks } from "./parse.ts";
import { RUN } from "./run.ts";

/** A block that is run, and what it is to print: nothing where nothing is shown. */
interface Step {
  block: Block;
  shown: Shown | undefined;
}

/** A block that this suite does not run, and why, or which test has it instead. */
interface Unrun {
  line: number;
  /** Its first line. */
  text: string;
  mark: "no-run" | "run-by";
  reason: string;
}

export interface Sorted {
  steps: Step[];
  unrun: Unrun[];
  /** Blocks that are none of all that, each in words. */
  faults: string[];
}

/** Languages of blocks that say nothing which could be run or compared. */
const INERT = ["mermaid"];

/**
 * Tells of each block of a page what becomes of it. In this order: it is marked `no-run=<reason>`, or `run-by=<file>` with
 * the test that has it; its language is run; it is what the block before it, which is run, prints; its language is inert.
 */
export function sortBlocks(markdown: string): Sorted {
  const sorted: Sorted = { steps: [], unrun: [], faults: [] };
  let before: Step | undefined;
  for (const block of parseBlocks(markdown)) {
    const step = before;
    before = undefined;
    const { line, language, marks, text } = block;
    const [, mark, reason] = /^(no-run|run-by)=([\w./-]+)$/.exec(marks.join(" ")) ?? [];
    if (mark !== undefined && reason !== undefined) {
      sorted.unrun.push({ line, text: firstLine(text), mark: mark as Unrun["mark"], reason });
    } else if (marks.length > 0) {
      sorted.faults.push(`line ${line}: "${marks.join(" ")}" is no mark`);
    } else if (language in RUN) {
      before = { block, shown: undefined };
      sorted.steps.push(before);
    } else if (step !== undefined && language in COMPARED) {
      step.shown = { language: language as Shown["language"], text };
    } else if (!INERT.includes(language)) {
      sorted.faults.push(
        `line ${line}: ${JSON.stringify(language)} is not run, nor what the block before prints`,
      );
    }
  }
  return sorted;
}

export const firstLine = (text: string): string => text.trimStart().split("\n", 1)[0] ?? "";
