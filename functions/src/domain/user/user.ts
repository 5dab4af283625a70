/** What a Firebase ID token says about its user. */
export interface Identity {
  id: string;
  /** A user without a verified e-mail address administers nothing: anybody can sign up with any address. */
  email_verified: boolean;
  /** The deployment requires a second factor, and the user signed in without one. */
  lacks_second_factor: boolean;
}

/** Checks Firebase ID tokens of console users. */
export interface IdentityTokens {
  /** `undefined` when the token is not one of ours, or expired. */
  verify(token: string): Promise<Identity | undefined>;
}

/** Somebody who signs in to the console. */
export interface User {
  id: string;
  email: string | null;
  email_verified: boolean;
  created_at: Date;
}

/** Console users, as Firebase Auth knows them. */
export interface Users {
  /** By e-mail address or id. */
  find(who: string): Promise<User | undefined>;
  /** The address counts as verified: the caller vouches for it. `undefined` when another user has it. */
  create(user: { email: string; password: string }): Promise<User | undefined>;
}
