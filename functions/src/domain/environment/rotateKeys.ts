import { AGAIN, change } from "../change.ts";
import type { Ctx } from "../context.ts";
import type { WrappedKey } from "../palm/sealing.ts";
import { type Environment, effectOn } from "./environment.ts";

type RotateCtx = Ctx<"environments" | "changes" | "sealing" | "commit">;

/** What a rotation did, in numbers of environments. */
export interface Rotation {
  /** The master key that seals everything now. */
  kid: string;
  rewrapped: number;
  /** Sealed by that key before. */
  current: number;
  destroyed: number;
  /** Left as they were, because the keyring does not open them. */
  failed: { environment_id: string; kid: string | null }[];
  /** Master keys of the keyring that seal nothing any more. */
  unused: string[];
}

/**
 * Seals every environment's data key anew by the keyring's last key; the data keys stay, and so do palms. Each
 * environment is one conditional write: stopped anywhere, or run twice at once, it is finished by running again.
 */
export async function rotateKeys(ctx: RotateCtx): Promise<Rotation> {
  const { kids } = ctx.sealing;
  const kid = kids.at(-1) as string;
  const rotation: Rotation = { kid, rewrapped: 0, current: 0, destroyed: 0, failed: [], unused: [] };
  for (const environment of await ctx.environments.all()) {
    const outcome = await rotate(ctx, environment, kid);
    if (typeof outcome === "string") rotation[outcome] += 1;
    else rotation.failed.push({ environment_id: environment.id, ...outcome });
  }
  const used = [kid, ...rotation.failed.map((failure) => failure.kid)];
  return { ...rotation, unused: kids.filter((one) => !used.includes(one)) };
}

function rotate(
  ctx: RotateCtx,
  environment: Environment,
  kid: string,
): Promise<"rewrapped" | "current" | "destroyed" | { kid: string | null }> {
  return change(ctx, async () => {
    const was = await ctx.changes.manifest(environment.id);
    if (!was) return { kid: null };
    const { wrapped_key } = was.value;
    if (!wrapped_key) return "destroyed";
    const rewrapped = rewrap(ctx, environment.id, wrapped_key);
    if (!rewrapped) return { kid: wrapped_key.kid };
    if (wrapped_key.kid === kid) return "current";
    const now = { ...was.value, wrapped_key: rewrapped };
    const outcome = await ctx.commit([ctx.changes.replaceManifest(was, now)], effectOn(environment));
    return outcome === "committed" ? "rewrapped" : AGAIN;
  });
}

function rewrap(ctx: RotateCtx, environment_id: string, wrapped: WrappedKey): WrappedKey | undefined {
  try {
    return ctx.sealing.rewrap(environment_id, wrapped);
  } catch {
    return undefined;
  }
}
