import { domainToASCII, domainToUnicode } from "node:url";
import * as z from "zod";

/*
 * E-mail addresses as RFC 5321 and RFC 6531 have them, but for three forms that real mailboxes do not have and
 * that other systems misread: quoted local parts, IP addresses in brackets, and domains of one label. Comments and
 * display names belong to message headers (RFC 5322), not to an address.
 */

/** RFC 5321, 4.5.3.1, in bytes of UTF-8: 256 with the angle brackets. */
const MAX_ADDRESS = 254;
const MAX_LOCAL = 64;
/** RFC 1035, 2.3.4: 255 bytes on the wire. */
const MAX_DOMAIN = 253;
const MAX_LABEL = 63;

/** RFC 5322's atext; RFC 6531 adds every character beyond ASCII, of which invisible ones are left out. */
const ATOM =
  /^(?:[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]|(?![\p{Cc}\p{Cf}\p{Cs}\p{Z}\p{Noncharacter_Code_Point}])[^\0-\x7f]|[\u200c\u200d])+$/u;
const HOST_LABEL = /^[a-z0-9](?:[a-z0-9-]*[a-z0-9])?$/;

const bytesOf = (text: string): number => Buffer.byteLength(text);

/** Whether mail can be sent to such an address. */
export function isEmail(address: string): boolean {
  const at = address.lastIndexOf("@");
  if (at < 1 || bytesOf(address) > MAX_ADDRESS) return false;
  return isLocalPart(address.slice(0, at)) && isDomain(address.slice(at + 1));
}

const isLocalPart = (local: string): boolean =>
  bytesOf(local) <= MAX_LOCAL && local.split(".").every((atom) => ATOM.test(atom));

function isDomain(domain: string): boolean {
  const labels = domain.split(".").map(toHostLabel);
  if (labels.length < 2 || labels.includes(undefined)) return false;
  const top = labels.at(-1) ?? "";
  // RFC 3696, 2: a top-level domain is not a number.
  return labels.join(".").length <= MAX_DOMAIN && top.length >= 2 && !/^\d+$/.test(top);
}

/** Behind a label that is converted by itself: a number alone would be read as an IPv4 address. */
const BEHIND = ".example";
const bare = (domain: string): string => domain.slice(0, -BEHIND.length);

/** A label as DNS has it; `undefined` for text that is not a label (RFC 1123, 2.1; RFC 5890, 2.3.2). */
function toHostLabel(label: string): string | undefined {
  const lower = label.toLowerCase().normalize("NFC");
  const ascii = bare(domainToASCII(`${lower}${BEHIND}`));
  if (!HOST_LABEL.test(ascii) || ascii.length > MAX_LABEL) return undefined;
  const unicode = bare(domainToUnicode(`${ascii}${BEHIND}`));
  // What UTS 46 maps to something else (full-width letters, other dots) is not a label, nor is broken punycode.
  const isWritten = lower === ascii || lower === unicode;
  return isWritten && (unicode !== ascii || !ascii.startsWith("xn--")) ? ascii : undefined;
}

/** An e-mail address as a field of a request. */
export const email = z
  .string()
  .refine(
    isEmail,
    `must be an e-mail address of at most ${MAX_ADDRESS} bytes, such as ada@example.com, without quotes, comments ` +
      "or an IP address",
  )
  .meta({
    format: "idn-email",
    minLength: 5,
    maxLength: MAX_ADDRESS,
    description:
      "RFC 5321 and RFC 6531, in Unicode or punycode; at most 254 bytes. Without quoted local part, comment, IP address or " +
      "a domain of one label.",
  });
