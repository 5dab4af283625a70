import * as z from "zod";
import { documented } from "../../functions/src/api/documented.ts";
import { params } from "../../functions/src/config.ts";
import { AUDIT_RETENTION_MS } from "../../functions/src/domain/audit/audit.ts";
import type { Policy } from "../../functions/src/domain/budget/budget.ts";
import { policiesOf, TERMINALS_FACTOR } from "../../functions/src/domain/budget/policies.ts";
import { MAX_ATTEMPTS_KEPT, RETENTION_MS } from "../../functions/src/domain/delivery/delivery.ts";
import { MAX_ATTEMPTS, WINDOW_MS } from "../../functions/src/domain/delivery/schedule.ts";
import { TOLD_MS } from "../../functions/src/domain/enrollment/session.ts";
import { ERASURE_MS } from "../../functions/src/domain/garbage/garbage.ts";
import { RECORD_MS } from "../../functions/src/domain/idempotency/record.ts";
import { MAX_PALMS } from "../../functions/src/domain/member/member.ts";
import { PLANS } from "../../functions/src/domain/organization/organization.ts";
import { CODE_MS } from "../../functions/src/domain/registration/registration.ts";
import { MAX_WEBHOOKS } from "../../functions/src/domain/webhook/webhook.ts";
import { BODY_LIMITS } from "../../functions/src/http/route.ts";
import { markdownTable } from "./markdown.ts";

/** The parameter of each policy, and whose requests it counts together. */
const COUNTED = {
  sandbox: [params.RATE_SANDBOX, "an organization's API keys together, plan sandbox"],
  business: [params.RATE_BUSINESS, "the same, plan business"],
  enterprise: [params.RATE_ENTERPRISE, "the same, plan enterprise"],
  user: [params.RATE_USER, "a console user"],
  terminal: [params.RATE_TERMINAL, "a terminal, by its key or its claim token"],
  address: [params.RATE_ADDRESS, "an address: requests without a valid credential, claims, `openapi.json`"],
  proxy: [params.RATE_PROXY, "the same by the nearest address, which nobody can make up"],
  registration: [params.RATE_REGISTRATION, "an address that starts registrations"],
  code: [params.RATE_CODE, "a caller's wrong registration codes"],
  duplicate: [params.RATE_DUPLICATE, "a caller's `duplicate_palm` on enrollPalm, server lookup off"],
  mismatch: [params.RATE_MISMATCH, "a member's failed verifications, by all callers together"],
} as const;

type Counted = keyof typeof COUNTED;
const names = Object.keys(COUNTED) as Counted[];

const defaultOf = (param: { name: string }): number => {
  const { options } = param as unknown as { options?: { default?: number } };
  if (options?.default === undefined) throw new Error(`${param.name} has no default`);
  return options.default;
};

/** Requests in a sliding window. */
export function rateLimits(): string {
  const limits = Object.fromEntries(names.map((name) => [name, defaultOf(COUNTED[name][0])])) as Record<
    Counted,
    number
  >;
  const policies = policiesOf(limits);
  const row = ({ name, limit, window_ms }: Policy, who: string, parameter: string) => [
    who,
    limit.toLocaleString("en"),
    window_ms === 60_000 ? "60 s" : `${window_ms / 60_000} min`,
    `\`${name}\``,
    parameter,
  ];
  return markdownTable(
    ["who is counted together", "--requests", "in any", "policy", "the operator's parameter"],
    [
      ...names.map((name) => row(policies[name], COUNTED[name][1], `\`${COUNTED[name][0].name}\``)),
      ...PLANS.map((plan) =>
        row(
          policies[`${plan}-terminals`],
          `scans and samples of an organization's terminals, plan ${plan}`,
          `${TERMINALS_FACTOR} × \`${COUNTED[plan][0].name}\``,
        ),
      ),
    ],
  );
}

const DEVICES = {
  sandbox: params.DEVICES_SANDBOX,
  business: params.DEVICES_BUSINESS,
  enterprise: params.DEVICES_ENTERPRISE,
} as const satisfies Record<(typeof PLANS)[number], unknown>;

/** How many devices an organization may register, by plan. */
const devices = (): string[][] =>
  PLANS.map((plan) => {
    const limit = defaultOf(DEVICES[plan]);
    return [
      `devices of an organization, plan ${plan} (\`${DEVICES[plan].name}\`)`,
      limit === 0 ? "any number" : `${limit}`,
    ];
  });

const size = (bytes: number): string =>
  bytes >= 2 ** 20 ? `${bytes / 2 ** 20} MiB` : `${bytes / 2 ** 10} KiB`;

/** Bodies, by which operations take them. */
export function bodies(): string {
  const routes = Object.values(documented.groups).flat();
  const taking = (limit: keyof typeof BODY_LIMITS): string =>
    routes
      .flatMap(({ body, bodyLimit, operationId }) => (body && bodyLimit === limit ? operationId : []))
      .join(", ");
  const row = (limit: keyof typeof BODY_LIMITS, operations: string): string[] => [
    operations,
    size(BODY_LIMITS[limit].bytes),
    `${BODY_LIMITS[limit].ms / 1000} s`,
  ];
  return markdownTable(
    ["a request's body", "--at most", "--arrives within"],
    [
      row("samples", taking("samples")),
      row("sample", taking("sample")),
      row("standard", "every other operation"),
    ],
  );
}

interface QueryParameter {
  maximum?: number;
}

/** Lists that come in pages, and how long one may be. */
export function lists(): string {
  const rows = Object.values(documented.groups)
    .flat()
    .flatMap(({ operationId, query }) => {
      const { per_page, from } = query ? propertiesOf(query) : {};
      return per_page
        ? [[operationId, `${per_page.maximum?.toLocaleString("en")}`, from ? "by `from` and `to`" : "all"]]
        : [];
    });
  return markdownTable(["list", "--`per_page` at most", "of"], rows);
}

const propertiesOf = (query: z.ZodType) =>
  z.toJSONSchema(query, { io: "input" }).properties as Record<string, QueryParameter | undefined>;

/** In the unit that people would say it in. */
function time(ms: number): string {
  const [size, unit] = (
    [
      [86_400_000, "days"],
      [3_600_000, "hours"],
      [60_000, "minutes"],
    ] as const
  ).find(([size]) => ms > size) ?? [1000, "s"];
  return `${ms / size} ${unit}`;
}

/** How many of something there may be, and for how long it is kept. */
export const counts = (): string =>
  markdownTable(
    ["of what", "--at most"],
    [
      ...devices(),
      ["palms of a member", `${MAX_PALMS}`],
      ["webhooks of a project", `${MAX_WEBHOOKS}`],
      ["scheduled attempts of a delivery", `${MAX_ATTEMPTS}`],
      ["attempts of a delivery, those by hand included", `${MAX_ATTEMPTS_KEPT}`],
      ["time until a delivery is given up", time(WINDOW_MS)],
      ["events, deliveries and their attempts are kept", time(RETENTION_MS)],
      ["the audit log is kept", time(AUDIT_RETENTION_MS)],
      ["an `Idempotency-Key` is remembered", time(RECORD_MS)],
      ["a registration code works", time(CODE_MS)],
      ["a session that has ended is told of", time(TOLD_MS)],
      ["every stored copy of an erased palm is gone within", time(ERASURE_MS)],
    ],
  );
