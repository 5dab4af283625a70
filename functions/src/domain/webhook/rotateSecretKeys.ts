import { AGAIN, change } from "../change.ts";
import type { Ctx } from "../context.ts";
import type { WrappedKey } from "../palm/sealing.ts";
import type { Webhook } from "./webhook.ts";

/** What a rotation did, in numbers of subscriptions. */
export interface SecretRotation {
  /** The key that seals everything now. */
  kid: string;
  resealed: number;
  /** Sealed by that key before. */
  current: number;
  /** Left as they were, because the keyring does not open them; what seals them, the key that is missing included. */
  failed: { webhook_id: string; kids: string[] }[];
  /** Keys of the keyring that seal nothing any more. */
  unused: string[];
}

type RotateCtx = Ctx<"webhooks" | "secrets" | "projects" | "commit">;

/**
 * Seals every subscription's secret anew by the keyring's last key; the secrets stay, and deliveries go on. Each
 * subscription is one conditional write: stopped anywhere, or run twice at once, it is finished by running again.
 */
export async function rotateSecretKeys(ctx: RotateCtx): Promise<SecretRotation> {
  const { kids } = ctx.secrets;
  const kid = kids.at(-1) as string;
  const rotation: SecretRotation = { kid, resealed: 0, current: 0, failed: [], unused: [] };
  for await (const page of ctx.webhooks.all()) {
    for (const webhook of page) {
      const outcome = await reseal(ctx, webhook, kid);
      if (typeof outcome === "string") rotation[outcome] += 1;
      else if (outcome) rotation.failed.push({ webhook_id: webhook.id, ...outcome });
    }
  }
  const used = [kid, ...rotation.failed.flatMap((failure) => failure.kids)];
  return { ...rotation, unused: kids.filter((one) => !used.includes(one)) };
}

/** @returns `undefined` for one that is deleted, and whose secret goes with it */
function reseal(
  ctx: RotateCtx,
  { project_id, id }: Webhook,
  kid: string,
): Promise<"resealed" | "current" | { kids: string[] } | undefined> {
  return change(ctx, async () => {
    const was = await ctx.webhooks.get(project_id, id);
    if (!was) return undefined;
    const { secret } = was.value;
    // One whose grace is over signs nothing any more, and needs no key.
    const old_secret = (was.value.old_secret?.until ?? 0) > ctx.now() ? was.value.old_secret : null;
    if (secret.kid === kid && (!old_secret || old_secret.kid === kid)) return "current";
    const again = (sealed: WrappedKey): WrappedKey =>
      ctx.secrets.seal(was.value, ctx.secrets.open(was.value, sealed));
    let now: Webhook;
    try {
      const old = old_secret && { ...again(old_secret), until: old_secret.until };
      now = { ...was.value, secret: again(secret), old_secret: old };
    } catch {
      return { kids: [secret, ...(old_secret ? [old_secret] : [])].map((sealed) => sealed.kid) };
    }
    const project = await ctx.projects.get(project_id);
    const outcome = await ctx.commit([ctx.webhooks.replace(was, now)], {
      target: { type: "webhook", id },
      organization_id: project?.value.organization_id ?? "",
      project_id,
    });
    return outcome === "committed" ? "resealed" : AGAIN;
  });
}
