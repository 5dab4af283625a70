import type { Socket } from "node:net";

/** Bytes that are inspected; a response that sends more before its status line is left to undici. */
const LIMIT = 4096;

/** RFC 9110, section 15.2: any number may precede the final response. 101 is excluded: no upgrade was requested. */
const INTERIM = /^HTTP\/1\.\d 1(?!01)\d\d(?!\d)/;
const STATUS_LINE = /^HTTP\/1\.\d (\d{3})(?!\d)/;
const PROTOCOL = "HTTP/1.";

/** Characters of a line that decide which one it is. */
const LINE_START = 16;

/**
 * Reads the beginning of a response on its way to undici, which closes the connection at an unrequested 100 and
 * reports a status only after the complete head. Removes interim responses. The work is linear in the bytes received.
 * @returns an object whose `status_code` is set as soon as the status line is complete
 */
export function watchStatus(socket: Socket): { status_code?: number } {
  const found: { status_code?: number } = {};
  const read = socket.read.bind(socket);
  const start = new ResponseStart();
  let isPast = false;
  socket.read = (size?: number) => {
    const chunk: Buffer | null = read(size);
    if (isPast || chunk === null) return chunk;
    isPast = start.add(chunk);
    if (start.status_code !== undefined) found.status_code = start.status_code;
    // `null` tells undici that nothing has arrived yet; an empty buffer would not.
    return isPast && start.held.length > 0 ? Buffer.concat(start.held) : null;
  };
  return found;
}

/** A response up to the end of its status line, interim responses removed. */
class ResponseStart {
  status_code: number | undefined;
  readonly held: Buffer[] = [];
  #seen = 0;
  /** The beginning of the line that is arriving, at most `LINE_START` characters. */
  #line = "";
  #isInterim = false;

  /** @returns whether the search is over: the status line is complete, cannot follow, or did not within `LIMIT` */
  add(chunk: Buffer): boolean {
    this.#seen += chunk.length;
    let kept = 0;
    let isFinal = false;
    for (let at = 0; at < chunk.length && !isFinal; ) {
      const newline = chunk.indexOf("\n", at);
      const end = newline === -1 ? chunk.length : newline;
      this.#line += chunk.toString("latin1", at, Math.min(end, at + LINE_START - this.#line.length));
      at = end + 1;
      if (newline === -1) break;
      const line = this.#line;
      this.#line = "";
      if (!this.#isInterim) {
        this.#isInterim = INTERIM.test(line);
        isFinal = !this.#isInterim;
        if (isFinal) this.#readStatus(line);
      } else if (line === "" || line === "\r") {
        this.#isInterim = false;
        this.held.length = 0;
        kept = at;
      }
    }
    if (kept < chunk.length) this.held.push(chunk.subarray(kept));
    const mayFollow = this.#isInterim || PROTOCOL.startsWith(this.#line.slice(0, PROTOCOL.length));
    return isFinal || !mayFollow || this.#seen >= LIMIT;
  }

  #readStatus(line: string): void {
    const status = STATUS_LINE.exec(line)?.[1];
    if (status !== undefined) this.status_code = Number(status);
  }
}
