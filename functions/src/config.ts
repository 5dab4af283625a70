import { isIP } from "node:net";
import { defineBoolean, defineInt, defineSecret, defineString } from "firebase-functions/params";
import type { DeviceLimits } from "./domain/organization/organization.ts";
import type { DestinationPolicy } from "./domain/webhook/destination.ts";

const rate = (limit: number, whose: string) => ({
  default: limit,
  description: `Requests a minute ${whose}.`,
});

const devices = (limit: number, plan: string) => ({
  default: limit,
  description: `How many devices an organization may register, plan ${plan}; 0 for any number.`,
});

/** Every parameter of a deployment. `functions/.env.demo-palmgate` has each one's value for the emulator suite. */
export const params = {
  TEMPLATE_BUCKET: defineString("TEMPLATE_BUCKET", {
    description: "The private Storage bucket that holds sealed palm templates.",
  }),
  GALLERY_MEMORY_MIB: defineInt("GALLERY_MEMORY_MIB", {
    default: 24_576,
    description: "How much of an identify instance's memory galleries may take; the rest is for requests.",
  }),
  IDENTIFY_MEMORY_MIB: defineInt("IDENTIFY_MEMORY_MIB", {
    default: 32_768,
    description: "Memory of the identify function, which holds galleries.",
  }),
  IDENTIFY_CONCURRENCY: defineInt("IDENTIFY_CONCURRENCY", { default: 16 }),
  IDENTIFY_MIN_INSTANCES: defineInt("IDENTIFY_MIN_INSTANCES", { default: 0 }),
  HOSTING_PROXIES: defineInt("HOSTING_PROXIES", {
    default: 2,
    description:
      "Proxies between a client and a path that is reached through Hosting; each appends to X-Forwarded-For.",
  }),
  DIRECT_PROXIES: defineInt("DIRECT_PROXIES", {
    default: 1,
    description: "The same for a path that terminals call at the function's own URL.",
  }),
  RATE_SANDBOX: defineInt("RATE_SANDBOX", rate(5, "of an organization by its keys, plan sandbox")),
  RATE_BUSINESS: defineInt("RATE_BUSINESS", rate(100, "of an organization by its keys, plan business")),
  RATE_ENTERPRISE: defineInt(
    "RATE_ENTERPRISE",
    rate(5000, "of an organization by its keys, plan enterprise"),
  ),
  RATE_USER: defineInt("RATE_USER", rate(600, "of a console user")),
  RATE_TERMINAL: defineInt("RATE_TERMINAL", rate(120, "of a terminal")),
  RATE_ADDRESS: defineInt("RATE_ADDRESS", rate(300, "without a valid credential, from one address")),
  RATE_PROXY: defineInt("RATE_PROXY", rate(3000, "without a valid credential, through one proxy")),
  RATE_REGISTRATION: defineInt("RATE_REGISTRATION", {
    default: 30,
    description: "Registrations that terminals begin from one address in 10 minutes.",
  }),
  RATE_CODE: defineInt("RATE_CODE", {
    default: 10,
    description: "Wrong registration codes that one caller may enter in 10 minutes.",
  }),
  REQUIRE_SECOND_FACTOR: defineBoolean("REQUIRE_SECOND_FACTOR", {
    default: false,
    description: "Refuses dashboard users who signed in without a second factor.",
  }),
  DEVICES_SANDBOX: defineInt("DEVICES_SANDBOX", devices(5, "sandbox")),
  DEVICES_BUSINESS: defineInt("DEVICES_BUSINESS", devices(100, "business")),
  DEVICES_ENTERPRISE: defineInt("DEVICES_ENTERPRISE", devices(0, "enterprise")),
  RATE_DUPLICATE: defineInt("RATE_DUPLICATE", {
    default: 10,
    description: "Duplicate palms that one caller may try to enroll in an hour, where server lookup is off.",
  }),
  RATE_MISMATCH: defineInt("RATE_MISMATCH", {
    default: 5,
    description: "Failed verifications of one member in 15 minutes, by all callers together.",
  }),
  OWN_HOSTS: defineString("OWN_HOSTS", {
    default: "",
    description:
      "Hosts at which this API is reached, separated by commas: no webhook may lead there. A name stands for those " +
      "below it, too; one with a * for what it says: *-acme.a.run.app.",
  }),
  WEBHOOK_ALLOW_LOCALHOST: defineBoolean("WEBHOOK_ALLOW_LOCALHOST", {
    default: false,
    description: "Lets webhooks lead to http://localhost, in a demo project alone.",
  }),
  WEBHOOK_OWN_PORTS: defineString("WEBHOOK_OWN_PORTS", {
    default: "",
    description: "Ports of localhost that are the emulators' own, as ranges: 5001-5010,5101-5110.",
  }),
  WEBHOOK_DNS: defineString("WEBHOOK_DNS", {
    default: "8.8.8.8,8.8.4.4",
    description:
      "DNS servers that look up webhooks' names, as IP addresses separated by commas. They must know public names " +
      "only, or customers can probe private zones. `system` asks the machine's.",
  }),
  WEBHOOK_SWEEP_GRACE_S: defineInt("WEBHOOK_SWEEP_GRACE_S", {
    default: 300,
    description: "How long after an attempt was due the sweeper takes its task to be lost.",
  }),
  API_MEMORY_MIB: defineInt("API_MEMORY_MIB", { default: 512 }),
  API_CONCURRENCY: defineInt("API_CONCURRENCY", { default: 80 }),
  TERMINAL_CONCURRENCY: defineInt("TERMINAL_CONCURRENCY", {
    default: 500,
    description: "Requests that an instance of terminal handles at once: nearly all of them wait.",
  }),
  WEBHOOK_CONCURRENCY: defineInt("WEBHOOK_CONCURRENCY", {
    default: 1000,
    description: "Webhook deliveries at once, of first attempts and of later ones. At most 5000.",
  }),
};

/** Every secret of a deployment; `functions/.secret.local` has demo values, which protect nothing. */
export const secrets = {
  TEMPLATE_KEYS: defineSecret("TEMPLATE_KEYS"),
  SEAL_KEYS: defineSecret("SEAL_KEYS"),
  WEBHOOK_KEYS: defineSecret("WEBHOOK_KEYS"),
};

/** The emulators that a process can be pointed to. */
const EMULATORS = [
  "FIRESTORE_EMULATOR_HOST",
  "FIREBASE_AUTH_EMULATOR_HOST",
  "FIREBASE_STORAGE_EMULATOR_HOST",
  "STORAGE_EMULATOR_HOST",
  "CLOUD_TASKS_EMULATOR_HOST",
] as const;

/** What a running function knows of its surroundings. */
export interface Runtime {
  projectId: string;
}

/**
 * Reads the surroundings, and refuses those in which palms would not be safe: emulators in production,
 * production services under a demo project.
 * @throws Error naming what is wrong, never its value.
 */
export function readRuntime(env: NodeJS.ProcessEnv): Runtime {
  const projectId = env["GCLOUD_PROJECT"] ?? env["GOOGLE_CLOUD_PROJECT"];
  if (!projectId) throw new Error("GCLOUD_PROJECT is not set");
  const demo = isDemoProject(projectId);
  for (const name of EMULATORS) {
    if (!demo && env[name]) throw new Error(`${name} is set in the production project ${projectId}`);
    if (demo && !env[name]) throw new Error(`${name} is not set in the demo project ${projectId}`);
  }
  return { projectId };
}

/**
 * Where webhooks may lead, and may not, as far as parameters say it.
 * @throws Error when one is malformed
 */
export function readDestinations(): DestinationPolicy & { nameServers: readonly string[] | null } {
  const listed = (value: string): string[] => value.split(",").flatMap((part) => part.trim() || []);
  const ownHosts = listed(params.OWN_HOSTS.value());
  if (!ownHosts.every((host) => /^[a-z0-9.*-]+$/i.test(host))) {
    throw new Error("the parameter OWN_HOSTS is no list of hosts: names alone, without https:// and paths");
  }
  const servers = params.WEBHOOK_DNS.value().trim();
  const nameServers = servers === "system" ? null : listed(servers);
  if (nameServers?.length === 0 || nameServers?.some((server) => isIP(server) === 0)) {
    throw new Error("the parameter WEBHOOK_DNS must be a list of IP addresses, or `system`");
  }
  return {
    nameServers,
    ownHosts,
    allowLocalhost: params.WEBHOOK_ALLOW_LOCALHOST.value(),
    ownPorts: listed(params.WEBHOOK_OWN_PORTS.value()).flatMap((range) => {
      const [, first, last = first] = /^(\d{1,5})(?:-(\d{1,5}))?$/.exec(range) ?? [];
      if (first === undefined) throw new Error("the parameter WEBHOOK_OWN_PORTS is no list of ports");
      return Array.from({ length: Number(last) - Number(first) + 1 }, (_, index) => Number(first) + index);
    }),
  };
}

/** How many devices an organization may register, by plan. */
export function readDeviceLimits(): DeviceLimits {
  const of = (param: { value(): number }): number => param.value() || Number.POSITIVE_INFINITY;
  return {
    sandbox: of(params.DEVICES_SANDBOX),
    business: of(params.DEVICES_BUSINESS),
    enterprise: of(params.DEVICES_ENTERPRISE),
  };
}

/** The secrets that this process has been given, by name: a function has those that it is deployed with. */
export function readSecrets(): Record<string, string> {
  return Object.fromEntries(
    Object.keys(secrets).flatMap((name) => {
      const value = process.env[name];
      return value ? [[name, value]] : [];
    }),
  );
}

/** Projects whose id begins so are ones of emulators. */
export const isDemoProject = (projectId: string): boolean => projectId.startsWith("demo-");
