import { updateMember } from "./updateMember.ts";

/** For clients of an older API. */
export const updateMemberPut = {
  ...updateMember,
  method: "PUT",
  operationId: "updateMemberPut",
  deprecated: true,
  description: "The same as PATCH: a field that is not named stays as it is.",
} satisfies typeof updateMember;
