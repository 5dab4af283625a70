/**
 * What is run, by language: @returns for the file that holds a block's text the line of bash that runs it. All of it happens in
 * the page's shell, so a program finds there what the page has exported.
 */
export const RUN: Record<string, (file: string) => string> = {
  bash: (file) => `. ${file} < /dev/null`,
  // Read from stdin, it finds packages from the shell's folder on.
  js: (file) => `"$PAGE_NODE" --input-type=module < ${file}`,
  ts: (file) => `"$PAGE_NODE" --input-type=module-typescript < ${file}`,
};
