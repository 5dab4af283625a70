import type { Ctx } from "../context.ts";
import { formsOf } from "./externalId.ts";
import type { Member } from "./member.ts";

/** The member of a project that has an external id; `undefined` when no member has it. */
export async function findMember(
  ctx: Ctx<"members">,
  { project_id, external_id }: { project_id: string; external_id: string },
): Promise<Member | undefined> {
  const id = await ctx.members.withExternalId(project_id, external_id);
  const found = id === undefined ? undefined : await ctx.members.get(project_id, id);
  // Between the two reads the member may have been given another id.
  const isHolder = formsOf(found?.value.external_id ?? "").some((form) =>
    formsOf(external_id).includes(form),
  );
  return isHolder ? found?.value : undefined;
}
