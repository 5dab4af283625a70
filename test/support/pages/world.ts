import { readFileSync } from "node:fs";
import { join } from "node:path";
import { ROOT } from "../../../scripts/profiles.ts";
import { ACME_HQ } from "../../../scripts/world.ts";
import { baseUrl } from "../suite.ts";

/** What the pages share of the demo world: Acme HQ's members with their palms, its terminals' settings, its webhooks. */
export async function acmeHq(): Promise<Record<"members" | "devices" | "webhooks", unknown[]>> {
  const [members, devices, webhooks] = await Promise.all([
    list("members?per_page=1000"),
    list("devices?per_page=100"),
    list("webhooks"),
  ]);
  return {
    members: members.map(({ id, name, palms }) => ({ id, name, palms })),
    devices: devices.map(({ id, name, enabled, mode }) => ({ id, name, enabled, mode })),
    webhooks: webhooks.map(({ id, url }) => ({ id, url })),
  };
}

async function list(path: string): Promise<Record<string, unknown>[]> {
  const { api_keys } = JSON.parse(readFileSync(join(ROOT, "emulator-data", "credentials.json"), "utf8"));
  const answer = await fetch(`${baseUrl()}/v1/project/${ACME_HQ}/${path}`, {
    headers: { Authorization: `Bearer ${api_keys.acme_hq}` },
  });
  if (!answer.ok) throw new Error(`${path} answered ${answer.status}: ${await answer.text()}`);
  const body = JSON.parse(await answer.text());
  return Array.isArray(body) ? body : body.items;
}
