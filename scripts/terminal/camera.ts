import { readdirSync, readFileSync } from "node:fs";
import { basename, extname, join } from "node:path";

/** Pictures of the palm's region, or photographs of whole hands: the name of the field that they are sent in. */
export type Kind = "image" | "photo";

/** What a hand over the camera gives. */
export interface Taken {
  file: string;
  /** Base64 of the file's bytes, whatever they are: the server says what it thinks of them. */
  picture: { image: string } | { photo: string };
  /** As the file's name says. */
  hand?: "left" | "right";
}

interface Palm {
  name: string;
  files: string[];
  hand: "left" | "right" | undefined;
  /** How often it was presented. */
  presented: number;
  isEnrolled: boolean;
}

const FILES = {
  image: { names: /\.(png|jpe?g|bmp)$/i, kinds: "PNG, JPEG, BMP" },
  photo: { names: /\.(png|jpe?g|webp)$/i, kinds: "PNG, JPEG, WebP" },
} as const satisfies Record<Kind, object>;

/**
 * A camera that sees pictures from files. Those whose names differ in their last number alone are of one palm:
 * `person-01-left-1.png`, `person-01-left-2.png`, … One palm is in front of it, and gives its pictures in turn.
 */
export class Camera {
  readonly #kind: Kind;
  readonly #palms: readonly Palm[];
  #front: Palm;

  /** @throws Error in one line */
  private constructor(kind: Kind, files: readonly string[], from: string, name: string | undefined) {
    const [first, ...others] = palmsOf(files);
    if (!first) throw new Error(`There is no picture (${FILES[kind].kinds}) in ${from}.`);
    this.#kind = kind;
    this.#palms = [first, ...others];
    const front = name === undefined ? first : this.#palms.find((palm) => palm.name === name);
    if (!front) {
      throw new Error(`There is no palm ${name} in ${from}, but ${this.names.slice(0, 5).join(", ")}, ….`);
    }
    this.#front = front;
  }

  /** @param palm which one is in front; the first without it. @throws Error in one line */
  static ofFolder(kind: Kind, folder: string, palm?: string): Camera {
    let names: string[];
    try {
      names = readdirSync(folder);
    } catch (error) {
      throw new Error(`The pictures cannot be read: ${(error as Error).message}`);
    }
    const files = names.filter((name) => FILES[kind].names.test(name)).map((name) => join(folder, name));
    return new Camera(kind, files, folder, palm);
  }

  static ofFile(kind: Kind, file: string): Camera {
    return new Camera(kind, [file], file, undefined);
  }

  get names(): string[] {
    return this.#palms.map(({ name }) => name);
  }

  /** The palm in front. */
  get front(): { name: string; pictures: number } {
    return { name: this.#front.name, pictures: this.#front.files.length };
  }

  /** The next palm comes. */
  turn(): void {
    this.#turn(1, () => true);
  }

  /** A palm comes that was not enrolled yet, of this hand unless that is unknown; the same one where there is none. */
  turnToNew(hand: "left" | "right" | "unknown"): void {
    const fits = (palm: Palm) => hand === "unknown" || palm.hand === undefined || palm.hand === hand;
    this.#turn(0, (palm) => !palm.isEnrolled && fits(palm));
  }

  /** The palm in front was enrolled. */
  markEnrolled(): void {
    this.#front.isEnrolled = true;
  }

  #turn(by: number, wanted: (palm: Palm) => boolean): void {
    const at = this.#palms.indexOf(this.#front) + by;
    const inTurn = [...this.#palms.slice(at), ...this.#palms.slice(0, at)];
    this.#front = inTurn.find(wanted) ?? this.#front;
  }

  /** The next picture of the palm in front; after the last one comes the first. @throws Error in one line */
  present(): Taken {
    const palm = this.#front;
    const file = palm.files[palm.presented++ % palm.files.length] as string;
    try {
      const base64 = readFileSync(file).toString("base64");
      const picture = this.#kind === "photo" ? { photo: base64 } : { image: base64 };
      return { file: basename(file), picture, ...(palm.hand ? { hand: palm.hand } : {}) };
    } catch (error) {
      throw new Error(`The picture cannot be read: ${(error as Error).message}`);
    }
  }
}

function palmsOf(files: readonly string[]): Palm[] {
  const inOrder = files.toSorted(new Intl.Collator("en", { numeric: true }).compare);
  const byPalm = Map.groupBy(inOrder, (file) => basename(file, extname(file)).replace(/[-_. ]*\d+$/, ""));
  return [...byPalm].map(([name, files]) => {
    const [hand] = /left|right/i.exec(name) ?? [];
    return { name, files, hand: hand?.toLowerCase() as Palm["hand"], presented: 0, isEnrolled: false };
  });
}
