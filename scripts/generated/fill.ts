const END = "<!-- as far as here -->";

/**
 * A page with what is generated between its marks.
 * @param command writes it, as the mark tells whoever would edit it by hand
 * @throws Error when the page has lost the marks
 */
export function fill(text: string, name: string, command: string, content: string): string {
  const begin = `<!-- ${name}: written by ${command} -->`;
  const from = text.indexOf(begin);
  const to = text.indexOf(END, from);
  if (from < 0 || to < 0) throw new Error(`the page has lost the marks around its ${name}`);
  return `${text.slice(0, from)}${begin}\n\n${content}\n\n${text.slice(to)}`;
}
