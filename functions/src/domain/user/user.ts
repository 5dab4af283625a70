/** Checks Firebase ID tokens of console users. */
export interface IdentityTokens {
  /** The user's id; `undefined` when the token is not one of ours, or expired. */
  verify(token: string): Promise<string | undefined>;
}

/** Somebody who signs in to the console. */
export interface User {
  id: string;
  email: string | null;
}

/** Console users, as Firebase Auth knows them. */
export interface Users {
  /** By e-mail address or id. */
  find(who: string): Promise<User | undefined>;
  /** `undefined` when the address is somebody's. */
  create(user: { email: string; password: string }): Promise<User | undefined>;
}
