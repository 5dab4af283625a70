/** What an API key can be allowed to do: a noun and an action. Every operation that accepts API keys needs one. */
export const PERMISSIONS = [
  "projects:read",
  "members:read",
  "members:write",
  "palms:read",
  "palms:identify",
  "palms:verify",
  "palms:enroll",
  "palms:delete",
  "devices:read",
  "devices:write",
  "enrollments:write",
  "scans:read",
  "transactions:read",
  "webhooks:read",
  "webhooks:write",
  "events:read",
] as const;

export type Permission = (typeof PERMISSIONS)[number];

/** Whether permissions include one; `null` includes all, later ones too. */
export const includesPermission = (permissions: readonly Permission[] | null, one: Permission): boolean =>
  permissions === null || permissions.includes(one);
