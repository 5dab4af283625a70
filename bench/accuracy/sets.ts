import { readdir, readFile, stat } from "node:fs/promises";
import { dirname, join, relative, resolve, sep } from "node:path";

/** A picture of a palm in a set. */
export interface Picture {
  /** Pictures of one palm have the same name here. */
  palm: string;
  /** When it was taken: pictures of one session are often alike for reasons that do not last. */
  session: string;
  file: string;
}

const IMAGE = /\.(bmp|jpe?g|png|webp)$/i;

/**
 * The pictures of a set. A folder holds `<palm>/<session>/<file>` or `<palm>/<file>`, where a file name that begins
 * with a number and an underscore names its session (`2_05.bmp`). A text file lists one picture a line, separated by
 * tabs: palm, session, path (relative to the list).
 * @throws Error for a line without three fields, and for a set with fewer than two palms
 */
export async function readSet(path: string): Promise<Picture[]> {
  const pictures = (await stat(path)).isDirectory() ? await readFolder(path) : await readList(path);
  if (new Set(pictures.map(({ palm }) => palm)).size < 2) {
    throw new Error(`${path} has pictures of fewer than two palms`);
  }
  return pictures;
}

async function readFolder(path: string): Promise<Picture[]> {
  const entries = await readdir(path, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile() && IMAGE.test(entry.name))
    .map((entry) => join(entry.parentPath, entry.name))
    .sort()
    .flatMap((file) => {
      const [palm, ...rest] = relative(path, file).split(sep);
      const name = rest.at(-1);
      if (palm === undefined || name === undefined) return [];
      const session = rest.length > 1 ? rest.slice(0, -1).join("/") : (/^(\d+)_/.exec(name)?.[1] ?? "");
      return [{ palm, session, file }];
    });
}

async function readList(path: string): Promise<Picture[]> {
  const lines = (await readFile(path, "utf8")).split("\n").filter((line) => line !== "");
  return lines.map((line, index) => {
    const [palm, session, file] = line.split("\t");
    if (!palm || session === undefined || !file) {
      throw new Error(`${path}:${index + 1} must have a palm, a session and a path, separated by tabs`);
    }
    return { palm, session, file: resolve(dirname(path), file) };
  });
}
