import { createOrganizationApiKey } from "./createOrganizationApiKey.ts";
import { createProjectApiKey } from "./createProjectApiKey.ts";
import { listOrganizationApiKeys } from "./listOrganizationApiKeys.ts";
import { listProjectApiKeys } from "./listProjectApiKeys.ts";
import { revokeOrganizationApiKey } from "./revokeOrganizationApiKey.ts";

export const routes = [
  listOrganizationApiKeys,
  createOrganizationApiKey,
  revokeOrganizationApiKey,
  listProjectApiKeys,
  createProjectApiKey,
];
