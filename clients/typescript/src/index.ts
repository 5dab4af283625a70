export * from "./api.ts";
export { type Client, createClient, type Settings } from "./client.ts";
export { type ErrorCode, PalmgateConnectionError, PalmgateError } from "./errors.ts";
export { type AsksForAll, type AsksForPage, items, type Page, pages } from "./pages.ts";
export { verifyWebhook, WebhookVerificationError } from "./verifyWebhook.ts";
