import type { Socket } from "node:net";

/** So many bytes are looked at; who sends more before a status gets undici's own treatment. */
const LIMIT = 4096;

/** RFC 9110, section 15.2: any number may come before the response; 101 is none, as nobody asked to upgrade. */
const INTERIM = /^HTTP\/1\.\d 1(?!01)\d\d(?!\d)/;
const STATUS_LINE = /^HTTP\/1\.\d (\d{3})(?!\d)[^\n]*\n/;

/**
 * Reads the beginning of a response on its way to undici, which ends the connection at a 100 that it has not asked for,
 * and tells a status only when the whole head has come. Interim responses are left out.
 * @returns where the status stands as soon as its line has come
 */
export function watchStatus(socket: Socket): { status_code?: number } {
  const found: { status_code?: number } = {};
  const read = socket.read.bind(socket);
  let text = "";
  let seen = 0;
  let isPast = false;
  socket.read = (size?: number) => {
    const chunk: Buffer | null = read(size);
    if (isPast || chunk === null) return chunk;
    seen += chunk.length;
    text = withoutInterim(text + chunk.toString("latin1"));
    const isInterim = INTERIM.test(text);
    const isBegun = "HTTP/1.".startsWith(text.slice(0, 7)) && (isInterim || !text.includes("\n"));
    if (isBegun && seen < LIMIT) return null;
    isPast = true;
    const status = isInterim ? undefined : STATUS_LINE.exec(text)?.[1];
    if (status !== undefined) found.status_code = Number(status);
    return Buffer.from(text, "latin1");
  };
  return found;
}

function withoutInterim(text: string): string {
  const head = INTERIM.test(text) ? /\n\r?\n/.exec(text) : null;
  return head === null ? text : withoutInterim(text.slice(head.index + head[0].length));
}
