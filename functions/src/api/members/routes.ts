import { createMember } from "./createMember.ts";
import { deleteMember } from "./deleteMember.ts";
import { deletePalm } from "./deletePalm.ts";
import { getMember } from "./getMember.ts";
import { listMembers } from "./listMembers.ts";
import { listPalms } from "./listPalms.ts";
import { updateMember } from "./updateMember.ts";
import { updateMemberPut } from "./updateMemberPut.ts";

export const routes = [
  listMembers,
  createMember,
  getMember,
  updateMember,
  updateMemberPut,
  deleteMember,
  listPalms,
  deletePalm,
];
