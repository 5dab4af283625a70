/** A fenced block of a page. */
export interface Block {
  /** Where its text begins, counted from 1. */
  line: number;
  /** The first word after the fence; empty where there is none. */
  language: string;
  /** The other words after the fence. */
  marks: string[];
  /** Without the indentation of its fence. */
  text: string;
}

const FENCED = /^( *)(`{3,}) *([^`\n]*)\n(.*?)^\1\2 *$/gms;
const FENCE = /^[ >]*(```|~~~)/gm;

/**
 * The fenced blocks of a page, in its order.
 * @throws Error for a fence that is never closed, is made of tildes or stands in a quotation: nobody would see its block
 */
export function parseBlocks(markdown: string): Block[] {
  const lineAt = (index: number) => markdown.slice(0, index).split("\n").length;
  const blocks: Block[] = [];
  let rest = markdown;
  for (const { index, 0: whole, 1: indent = "", 3: words = "", 4: text = "" } of markdown.matchAll(FENCED)) {
    const [language = "", ...marks] = words.trim().split(/ +/);
    const plain = text.replaceAll(new RegExp(`^ {0,${indent.length}}`, "gm"), "");
    blocks.push({ line: lineAt(index) + 1, language, marks, text: plain });
    rest = rest.slice(0, index) + whole.replaceAll(/[^\n]/g, " ") + rest.slice(index + whole.length);
  }
  const lost = FENCE.exec(rest);
  FENCE.lastIndex = 0;
  if (lost) throw new Error(`line ${lineAt(lost.index)} is a fence that opens or closes nothing`);
  return blocks;
}
