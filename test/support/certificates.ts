import { generateKeyPairSync, type KeyObject, randomBytes, sign } from "node:crypto";
import { isIP } from "node:net";

/** PEM, as Node's TLS wants it. */
export interface Certificate {
  cert: string;
  key: string;
}

interface Wanted {
  /** The host that it is for: a name or an address. */
  host: string;
  from?: Date;
  to?: Date;
}

const DAY_MS = 24 * 60 * 60_000;

/**
 * An authority that lives as long as its process: X.509 v3 (RFC 5280) in DER, with P-256 keys. Nothing that it signs is
 * worth anything to anybody who was not given `cert` as an authority.
 */
export class Authority {
  readonly cert: string;
  readonly #keys = newKeys();

  constructor() {
    const isAuthority = sequence(oid(2, 5, 29, 19), octets(sequence(der(0x01, Buffer.of(0xff)))));
    this.cert = certificate({
      subject: "Palmgate test authority",
      issuer: "Palmgate test authority",
      key: this.#keys.publicKey,
      by: this.#keys.privateKey,
      extension: isAuthority,
    });
  }

  issue({ host, from, to }: Wanted): Certificate {
    const keys = newKeys();
    const name = isIP(host) ? der(0x87, bytesOf(host)) : der(0x82, Buffer.from(host));
    const cert = certificate({
      subject: "Palmgate test endpoint",
      issuer: "Palmgate test authority",
      key: keys.publicKey,
      by: this.#keys.privateKey,
      extension: sequence(oid(2, 5, 29, 17), octets(sequence(name))),
      from,
      to,
    });
    return { cert, key: keys.privateKey.export({ type: "pkcs8", format: "pem" }) as string };
  }
}

/** An address as certificates and DNS records have it: 4 bytes or 16. */
export function bytesOf(address: string): Buffer {
  if (!address.includes(":")) return Buffer.from(address.split(".").map(Number));
  const [head = [], tail = []] = address.split("::").map((part) => part.split(":").filter(Boolean));
  const zeros = Array.from({ length: 8 - head.length - tail.length }, () => "0");
  return Buffer.from([...head, ...zeros, ...tail].map((part) => part.padStart(4, "0")).join(""), "hex");
}

const newKeys = () => generateKeyPairSync("ec", { namedCurve: "P-256" });

function certificate(of: {
  subject: string;
  issuer: string;
  key: KeyObject;
  by: KeyObject;
  extension: Buffer;
  from?: Date | undefined;
  to?: Date | undefined;
}): string {
  const algorithm = sequence(oid(1, 2, 840, 10045, 4, 3, 2));
  const { from = new Date(Date.now() - DAY_MS), to = new Date(Date.now() + DAY_MS) } = of;
  const signed = sequence(
    der(0xa0, der(0x02, Buffer.of(2))),
    der(0x02, Buffer.concat([Buffer.of(1), randomBytes(15)])),
    algorithm,
    distinguished(of.issuer),
    sequence(time(from), time(to)),
    distinguished(of.subject),
    of.key.export({ type: "spki", format: "der" }),
    der(0xa3, sequence(of.extension)),
  );
  const signature = der(0x03, Buffer.concat([Buffer.of(0), sign("sha256", signed, of.by)]));
  const text = sequence(signed, algorithm, signature).toString("base64");
  return `-----BEGIN CERTIFICATE-----\n${text.replace(/.{64}/g, "$&\n")}\n-----END CERTIFICATE-----\n`;
}

/** One DER value: its tag, its length, its content. */
function der(tag: number, content: Buffer): Buffer {
  const size = content.length;
  const length = size < 0x80 ? [size] : size < 0x100 ? [0x81, size] : [0x82, size >> 8, size & 0xff];
  return Buffer.concat([Buffer.of(tag, ...length), content]);
}

const sequence = (...parts: Buffer[]) => der(0x30, Buffer.concat(parts));
const octets = (content: Buffer) => der(0x04, content);
const time = (date: Date) => der(0x18, Buffer.from(`${date.toISOString().replace(/\D/g, "").slice(0, 14)}Z`));
const distinguished = (name: string) =>
  sequence(der(0x31, sequence(oid(2, 5, 4, 3), der(0x0c, Buffer.from(name)))));

/** Arcs below 16,384: two digits to the base of 128 are enough. */
function oid(first: number, second: number, ...rest: number[]): Buffer {
  const digits = rest.flatMap((arc) => (arc < 0x80 ? [arc] : [0x80 | (arc >> 7), arc & 0x7f]));
  return der(0x06, Buffer.of(40 * first + second, ...digits));
}
