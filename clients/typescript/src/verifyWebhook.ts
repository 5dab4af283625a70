import type { WebhookEvent } from "./api.ts";

/** A webhook that is not to be believed. */
export class WebhookVerificationError extends Error {
  override readonly name = "WebhookVerificationError";
}

type Headings = Headers | Readonly<Record<string, string | readonly string[] | undefined>>;

/**
 * The event of a webhook that was signed with one of the secrets (Standard Webhooks), not long ago.
 * @param body of the request, byte for byte as it came: not parsed and written anew
 * @param headers of the request, in any case
 * @param secrets `whsec_…`; while you rotate, the old one and the new one
 * @param options.toleranceSeconds how far its time may be from `now`, which is in ms; 5 minutes unless given
 * @throws WebhookVerificationError for what is not to be believed: answer it with 400
 */
export async function verifyWebhook(
  body: string | Uint8Array,
  headers: Headings,
  secrets: string | readonly string[],
  { toleranceSeconds = 300, now = Date.now() }: { toleranceSeconds?: number; now?: number } = {},
): Promise<WebhookEvent> {
  const bytes = bytesOfBody(body);
  const keys = await Promise.all([secrets].flat().map(keyOf));
  const id = headerOf(headers, "webhook-id");
  const timestamp = headerOf(headers, "webhook-timestamp");
  const signatures = headerOf(headers, "webhook-signature");
  if (!/^\d+$/.test(timestamp)) throw new WebhookVerificationError("webhook-timestamp is no time");
  if (Math.abs(now / 1000 - Number(timestamp)) > toleranceSeconds) {
    throw new WebhookVerificationError("it was sent too long ago, or in the future");
  }
  const content = new Uint8Array([...encode(`${id}.${timestamp}.`), ...bytes]);
  for (const key of keys) {
    for (const signature of signatures.split(" ")) {
      // WebCrypto compares in constant time.
      if (await crypto.subtle.verify("HMAC", key, bytesOf(signature), content)) {
        return JSON.parse(new TextDecoder().decode(bytes));
      }
    }
  }
  throw new WebhookVerificationError("no signature is by a secret of yours");
}

const encode = (text: string) => new TextEncoder().encode(text);

const decode = (base64: string) => Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));

/** @throws WebhookVerificationError for a body that was parsed: written again it has other bytes than were signed */
function bytesOfBody(body: unknown): Uint8Array {
  if (typeof body === "string") return encode(body);
  if (ArrayBuffer.isView(body)) return new Uint8Array(body.buffer, body.byteOffset, body.byteLength);
  if (body instanceof ArrayBuffer) return new Uint8Array(body);
  throw new WebhookVerificationError(
    "the body must be the string or bytes of the request as received, not parsed JSON: read it with " +
      'request.text(), or in Express with express.raw({ type: "application/json" })',
  );
}

/** The bytes of a `v1,<base64>`; none for what is no such signature. */
function bytesOf(signature: string): Uint8Array<ArrayBuffer> {
  const [, base64 = ""] = /^v1,([A-Za-z0-9+/]{43}=)$/.exec(signature) ?? [];
  return decode(base64);
}

/** @throws WebhookVerificationError for a secret that cannot be one; the message does not repeat it */
async function keyOf(secret: unknown) {
  const [, base64] = typeof secret === "string" ? (SECRET.exec(secret) ?? []) : [];
  if (base64 === undefined) {
    throw new WebhookVerificationError(
      'the secret must be the text "whsec_…" as createWebhook returned it, without quotes or white space; ' +
        `this one is ${typeof secret === "string" ? describe(secret) : typeof secret}`,
    );
  }
  return crypto.subtle.importKey("raw", decode(base64), { name: "HMAC", hash: "SHA-256" }, false, ["verify"]);
}

/** Base64 of whole bytes, padded. */
const SECRET =
  /^(?:whsec_)?((?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{4}|[A-Za-z0-9+/]{3}=|[A-Za-z0-9+/]{2}==))$/;

function describe(secret: string): string {
  if (secret.trim() === "") return "blank";
  if (/["'`]/.test(secret)) return "in quotes";
  return /\s/.test(secret) ? "with white space" : "not base64";
}

function headerOf(headers: Headings, name: string): string {
  const entries = headers instanceof Headers ? [...headers] : Object.entries(headers);
  const value = entries.find(([key]) => key.toLowerCase() === name)?.[1];
  if (typeof value === "string") return value;
  throw new WebhookVerificationError(`${name} is missing, or there are several`);
}
