import { createOrganizationApiKey } from "./createOrganizationApiKey.ts";
import { listOrganizationApiKeys } from "./listOrganizationApiKeys.ts";
import { revokeOrganizationApiKey } from "./revokeOrganizationApiKey.ts";

export const routes = [listOrganizationApiKeys, createOrganizationApiKey, revokeOrganizationApiKey];
