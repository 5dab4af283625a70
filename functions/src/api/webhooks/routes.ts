import { createWebhook } from "./createWebhook.ts";
import { deleteWebhook } from "./deleteWebhook.ts";
import { getWebhook } from "./getWebhook.ts";
import { listAttempts } from "./listAttempts.ts";
import { listDeliveries } from "./listDeliveries.ts";
import { listEvents } from "./listEvents.ts";
import { listWebhooks } from "./listWebhooks.ts";
import { recoverDeliveries } from "./recoverDeliveries.ts";
import { retryDelivery } from "./retryDelivery.ts";
import { rotateWebhookSecret } from "./rotateWebhookSecret.ts";
import { testWebhook } from "./testWebhook.ts";
import { updateWebhook } from "./updateWebhook.ts";

export const routes = [
  listWebhooks,
  createWebhook,
  getWebhook,
  updateWebhook,
  deleteWebhook,
  testWebhook,
  rotateWebhookSecret,
  listDeliveries,
  listAttempts,
  retryDelivery,
  recoverDeliveries,
  listEvents,
];
