import type { Auth, UserRecord } from "firebase-admin/auth";
import type { User, Users } from "../domain/user/user.ts";
import { withDeadline } from "./deadline.ts";

/** What Auth says of an address or an id that nobody has, or can have. */
const NOBODY = ["auth/user-not-found", "auth/invalid-email", "auth/invalid-uid"];
const TAKEN = ["auth/email-already-exists"];

/** The users of Firebase Auth. */
export function createUsers(auth: Pick<Auth, "getUser" | "getUserByEmail" | "createUser">): Users {
  return {
    find: (who) => asked(who.includes("@") ? auth.getUserByEmail(who) : auth.getUser(who), NOBODY),
    create: (user) => asked(auth.createUser({ ...user, emailVerified: true }), TAKEN),
  };
}

/** @returns `undefined` for the errors that are answers. */
async function asked(operation: Promise<UserRecord>, answers: readonly string[]): Promise<User | undefined> {
  try {
    const { uid, email = null, emailVerified, metadata } = await withDeadline("Auth", operation);
    return {
      id: uid,
      email,
      email_verified: emailVerified,
      created_at: new Date(metadata.creationTime),
    };
  } catch (error) {
    if (answers.includes((error as { code?: string }).code ?? "")) return undefined;
    throw error;
  }
}
