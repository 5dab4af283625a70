import { createHmac, randomBytes } from "node:crypto";

const PREFIX = "whsec_";
const KEY_BYTES = 32;

/** A signing secret as Standard Webhooks writes it: `whsec_` and the base64 of 32 random bytes. */
export const newSecret = (): string => PREFIX + randomBytes(KEY_BYTES).toString("base64");

/**
 * The headers that prove a delivery: those of Standard Webhooks (`webhook-id`, `webhook-timestamp` in whole seconds,
 * `webhook-signature` with one `v1,<base64>` for each secret), and `X-Webhook-Signature: sha256=<hex>` over the body.
 * @param input.body what is sent, byte for byte, as UTF-8
 * @param input.at when it is sent: receivers refuse what is older than some minutes
 * @param input.secrets those alive, the newest first
 * @param input.legacy the secret, as a whole string the key of `X-Webhook-Signature`: a receiver of that header knows
 * one secret alone, so during a rotation's grace it is the old one
 * @see https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
 */
export function signedHeaders(input: {
  event_id: string;
  body: string;
  at: Date;
  secrets: readonly [string, ...string[]];
  legacy: string;
}): Record<string, string> {
  const timestamp = Math.floor(input.at.getTime() / 1000);
  const content = `${input.event_id}.${timestamp}.${input.body}`;
  const signatures = input.secrets.map((secret) => {
    const key = Buffer.from(secret.slice(PREFIX.length), "base64");
    return `v1,${createHmac("sha256", key).update(content).digest("base64")}`;
  });
  return {
    "webhook-id": input.event_id,
    "webhook-timestamp": `${timestamp}`,
    "webhook-signature": signatures.join(" "),
    "X-Webhook-Signature": `sha256=${createHmac("sha256", input.legacy).update(input.body).digest("hex")}`,
  };
}
