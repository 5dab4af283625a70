import { createMember } from "./createMember.ts";
import { getMember } from "./getMember.ts";

export const routes = [createMember, getMember];
