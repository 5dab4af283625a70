/** Checks Firebase ID tokens of console users. */
export interface IdentityTokens {
  /** The user's id; `undefined` when the token is not one of ours, or expired. */
  verify(token: string): Promise<string | undefined>;
}
