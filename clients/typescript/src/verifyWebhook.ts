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
  const id = headerOf(headers, "webhook-id");
  const timestamp = headerOf(headers, "webhook-timestamp");
  const signatures = headerOf(headers, "webhook-signature");
  if (!/^\d+$/.test(timestamp)) throw new WebhookVerificationError("webhook-timestamp is no time");
  if (Math.abs(now / 1000 - Number(timestamp)) > toleranceSeconds) {
    throw new WebhookVerificationError("it was sent too long ago, or in the future");
  }
  const bytes = typeof body === "string" ? encode(body) : body;
  const content = new Uint8Array([...encode(`${id}.${timestamp}.`), ...bytes]);
  for (const secret of [secrets].flat()) {
    const key = await keyOf(secret);
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

/** The bytes of a `v1,<base64>`; none for what is no such signature. */
function bytesOf(signature: string): Uint8Array<ArrayBuffer> {
  const [, base64 = ""] = /^v1,([A-Za-z0-9+/]{43}=)$/.exec(signature) ?? [];
  return decode(base64);
}

const keyOf = (secret: string) =>
  crypto.subtle.importKey(
    "raw",
    decode(secret.replace(/^whsec_/, "")),
    { name: "HMAC", hash: "SHA-256" },
    false,
    ["verify"],
  );

function headerOf(headers: Headings, name: string): string {
  const entries = headers instanceof Headers ? [...headers] : Object.entries(headers);
  const value = entries.find(([key]) => key.toLowerCase() === name)?.[1];
  if (typeof value === "string") return value;
  throw new WebhookVerificationError(`${name} is missing, or there are several`);
}
