import { createOrganizationApiKey } from "./createOrganizationApiKey.ts";
import { createProjectApiKey } from "./createProjectApiKey.ts";
import { listOrganizationApiKeys } from "./listOrganizationApiKeys.ts";
import { listProjectApiKeys } from "./listProjectApiKeys.ts";
import { revokeOrganizationApiKey } from "./revokeOrganizationApiKey.ts";
import { rotateApiKey } from "./rotateApiKey.ts";

export const routes = [
  listOrganizationApiKeys,
  createOrganizationApiKey,
  revokeOrganizationApiKey,
  rotateApiKey,
  listProjectApiKeys,
  createProjectApiKey,
];
