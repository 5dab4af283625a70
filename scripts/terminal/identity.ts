import {
  closeSync,
  fsyncSync,
  linkSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import * as z from "zod";
import { startOf } from "../runs.ts";

/** A terminal out of its box, whose code nobody has entered yet, or one that has its key. */
const Identity = z.discriminatedUnion("state", [
  z.strictObject({
    state: z.literal("registering"),
    api: z.string(),
    registration_code: z.string(),
    claim_token: z.string(),
    expires_at: z.string(),
  }),
  z.strictObject({
    state: z.literal("registered"),
    api: z.string(),
    device_id: z.string(),
    project_id: z.string(),
    device_key: z.string(),
  }),
]);
export type Identity = z.infer<typeof Identity>;
export type Registered = Identity & { state: "registered" };

/** A payment that was begun and not answered yet: the request as it was sent, the picture included. */
const Payment = z.strictObject({
  device_id: z.string(),
  idempotency_key: z.string(),
  created_at: z.iso.datetime(),
  amount_minor: z.int(),
  currency: z.string(),
  reference: z.string().nullable(),
  body: z.string(),
});
export type Payment = z.infer<typeof Payment>;

/** How files change: what has returned is on the disk, and a rename replaces at once. */
export interface Disk {
  write(path: string, text: string): void;
  rename(from: string, to: string): void;
  remove(path: string): void;
}

export const disk: Disk = {
  write(path, text) {
    const file = openSync(path, "w", 0o600);
    try {
      writeFileSync(file, text);
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
  },
  rename(from, to) {
    renameSync(from, to);
    // Without it a failing power may bring the old name back. Not every system can do it.
    if (process.platform === "win32") return;
    const folder = openSync(dirname(to), "r");
    try {
      fsyncSync(folder);
    } finally {
      closeSync(folder);
    }
  },
  remove: (path) => rmSync(path, { force: true }),
};

/** Something about the folder that a person must see to. */
export class FolderError extends Error {}

/** The folder in which a terminal keeps who it is. One program at a time has it. */
export class Folder {
  readonly path: string;
  readonly #disk: Disk;
  #isHeld = false;

  private constructor(path: string, disk: Disk) {
    this.path = path;
    this.#disk = disk;
  }

  /** @throws FolderError when another program has it */
  static open(path: string, files: Disk = disk): Folder {
    const folder = new Folder(path, files);
    try {
      mkdirSync(path, { recursive: true, mode: 0o700 });
      folder.#lock();
    } catch (error) {
      if (error instanceof FolderError) throw error;
      throw new FolderError(`The folder ${path} cannot be used: ${(error as Error).message}`);
    }
    return folder;
  }

  /** Undefined out of the box. @throws FolderError when it is lost or damaged */
  get identity(): Identity | undefined {
    const identity = this.#read("identity.json", Identity);
    if (identity === undefined && this.payment !== undefined) {
      throw new FolderError(
        `${this.#file("identity.json")} is lost, but a payment of it is pending. ${RESET_TELLS}`,
      );
    }
    return identity;
  }

  set identity(identity: Identity) {
    this.#replace("identity.json", identity);
  }

  /** @throws FolderError when it is damaged */
  get payment(): Payment | undefined {
    return this.#read("payment.json", Payment);
  }

  set payment(payment: Payment | undefined) {
    if (payment === undefined) this.#disk.remove(this.#file("payment.json"));
    else this.#replace("payment.json", payment);
  }

  /** Forgets everything, damaged files included. @returns the payment that was pending */
  reset(): Payment | undefined {
    let pending: Payment | undefined;
    try {
      pending = this.payment;
    } catch {
      // Nobody can read it.
    }
    for (const name of ["payment.json", "identity.json", "payment.json.new", "identity.json.new"]) {
      this.#disk.remove(this.#file(name));
    }
    return pending;
  }

  close(): void {
    if (this.#isHeld) rmSync(this.#file("lock"), { force: true });
    this.#isHeld = false;
  }

  /** The whole new file or the whole old one is there, whenever the power fails. */
  #replace(name: string, value: object): void {
    const made = this.#file(`${name}.new`);
    this.#disk.write(made, `${JSON.stringify(value, null, 2)}\n`);
    this.#disk.rename(made, this.#file(name));
  }

  #read<T>(name: string, shape: z.ZodType<T>): T | undefined {
    const file = this.#file(name);
    let text: string;
    try {
      text = readFileSync(file, "utf8");
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
      throw new FolderError(`${file} cannot be read: ${(error as Error).message}`);
    }
    try {
      return shape.parse(JSON.parse(text));
    } catch {
      throw new FolderError(`${file} is damaged, or another program's. ${RESET_TELLS}`);
    }
  }

  #lock(): void {
    const lock = this.#file("lock");
    const mine = `${lock}.${process.pid}`;
    const stale = `${mine}.stale`;
    writeFileSync(mine, `${process.pid} ${startOf(process.pid)}\n`, { mode: 0o600 });
    try {
      // Unlike a write, a link is there with its content or fails.
      while (!did("EEXIST", () => linkSync(mine, lock))) {
        this.#refuseIfRunning(lock);
        // Of two that find it stale one may have its own there by now: that is put back.
        if (!did("ENOENT", () => renameSync(lock, stale))) continue;
        if (ownerOf(stale)?.isRunning) did("EEXIST", () => linkSync(stale, lock));
      }
      this.#isHeld = true;
    } finally {
      rmSync(mine, { force: true });
      rmSync(stale, { force: true });
    }
  }

  #refuseIfRunning(lock: string): void {
    const owner = ownerOf(lock);
    if (!owner?.isRunning) return;
    throw new FolderError(
      `Another terminal is running in ${this.path} (process ${owner.pid}): end it, or use another --folder.`,
    );
  }

  #file(name: string): string {
    return join(this.path, name);
  }
}

const RESET_TELLS = "npm run terminal -- reset forgets it; the terminal is then registered anew.";

/** Whether it went well, or failed in the way that is expected. */
function did(code: string, change: () => void): boolean {
  try {
    change();
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === code) return false;
    throw error;
  }
}

/** Whose lock it is; a process id alone may be a later program's. */
function ownerOf(lock: string): { pid: number; isRunning: boolean } | undefined {
  try {
    const [pid, start] = readFileSync(lock, "utf8").trim().split(/ (.*)/);
    return { pid: Number(pid), isRunning: start !== undefined && startOf(Number(pid)) === start };
  } catch {
    return undefined;
  }
}
