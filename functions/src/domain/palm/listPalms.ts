import type { Ctx } from "../context.ts";
import type { Environment } from "../environment/environment.ts";
import type { Member } from "../member/member.ts";
import { newestFirst } from "../order.ts";
import type { Palm } from "./palm.ts";

/** The palms of a member. */
export async function listPalms(
  ctx: Ctx<"palms">,
  input: { environment: Environment; member: Member },
): Promise<Palm[]> {
  const palms = await ctx.palms.getMany(input.environment.id, input.member.palm_ids);
  return newestFirst(palms.map(({ value }) => value));
}
