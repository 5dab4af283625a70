import { randomUUID } from "node:crypto";
import type { Place } from "../../../bench/cost/requests.ts";
import { startRegistration } from "../../../functions/src/domain/registration/startRegistration.ts";
import { MAX_WEBHOOKS } from "../../../functions/src/domain/webhook/webhook.ts";
import { encodeJpeg } from "../encodeJpeg.ts";
import { CHECKED_HANDS, notAHand, renderHand } from "../hands.ts";
import { encodePng, syntheticPalm } from "../palms.ts";
import { NOWHERE, newDelivery, newRegistration, newWebhook } from "../rows.ts";
import { operations } from "./document.ts";
import type { Asked, Journal } from "./journal.ts";
import type { Requests, World } from "./world.ts";

interface Provoked {
  world: World;
  journal: Journal;
  right: Requests;
}

/** Sends what is refused for a state that chance does not find: places in it, limits of one request, and what is below. */
export async function provoke(context: Provoked): Promise<void> {
  await byOthers(context);
  await inStates(context);
  await beyondLimits(context);
  for (const scene of SCENES) await scene(context);
}

/** Every operation, by each kind of credential that it does not take. */
async function byOthers({ world, journal }: Provoked): Promise<void> {
  const tokens = tokensOf(world.own);
  for (const { id, credentials } of operations.filter((operation) => operation.credentials.length > 0)) {
    for (const [kind, token] of Object.entries(tokens)) {
      if ((credentials as string[]).includes(kind)) continue;
      await journal.call(id, { ids: world.own.ids, token }, "forbidden");
    }
  }
}

const tokensOf = ({ user, key, deviceKey, claimToken }: Place) => ({
  firebase: user.token,
  apiKey: key,
  deviceKey,
  claimToken,
});

/** What expires with an environment's key; registrations and sessions do otherwise. */
const OF_PALMS = new Set(["identify", "enrollPalm", "scan", "verifyPalm"]);

/** Every operation that documents the code of a state, where that state is. */
async function inStates({ world, journal, right }: Provoked): Promise<void> {
  for (const [code, place] of Object.entries(world.states)) {
    for (const operation of operations) {
      const documented = Object.values(operation.responses).some(({ codes }) => codes.includes(code));
      if (!documented || (code === "expired" && !OF_PALMS.has(operation.id))) continue;
      const [credential = "none"] = operation.credentials;
      const { call, query } = await right.of(operation, { example: 0, credential, fresh: false });
      const token = { ...tokensOf(place), none: "" }[credential];
      const body =
        operation.id === "enrollPalm"
          ? { ...(call.body as object), member_id: place.ids["member_id"] }
          : call.body;
      const asked: Asked = { ids: place.ids, token, query: Object.fromEntries(new URLSearchParams(query)) };
      await journal.call(operation.id, body === undefined ? asked : { ...asked, body }, code);
    }
  }
}

/** Every operation with every credential, where the second request of anybody is one too many. */
async function beyondLimits({ world, journal }: Provoked): Promise<void> {
  const { poor, tight } = world;
  const tokens = tokensOf(poor);
  for (const operation of operations) {
    const kinds = operation.credentials.map((kind) => tokens[kind]);
    const isLimited = operation.responses[429] !== undefined;
    for (const token of kinds.length > 0 ? kinds : [undefined]) {
      const sent = {
        method: operation.method,
        pathname: operation.path.replaceAll(
          /\{(\w+)\}/g,
          (_, name: string) => poor.ids[name] ?? randomUUID(),
        ),
        query: [],
        headers: token === undefined ? {} : { Authorization: `Bearer ${token}` },
        body: undefined,
      };
      await journal.ask(sent, { app: tight });
      const { status } = await journal.ask(sent, { app: tight });
      if ((status === 429) !== isLimited)
        throw new Error(`${operation.id} answers ${status} beyond the limit`);
      // Strangers are counted, too.
      await journal.ask({ ...sent, headers: {} }, { app: tight });
      await journal.ask({ ...sent, headers: { Authorization: "Bearer x" } }, { app: tight });
    }
  }
}

/** Limits of bodies with palms, in bytes. */
const MIB = 1024 * 1024;
const LARGEST: Record<string, number> = {
  ...{ identify: 12 * MIB, verifyPalm: 12 * MIB, scan: 12 * MIB, submitSample: 12 * MIB },
  enrollPalm: 24 * MIB,
};

type Scene = (context: Provoked) => Promise<void>;

const base64 = (bytes: Uint8Array) => Buffer.from(bytes).toString("base64");
const pictureOf = (seed: number) => ({ image: base64(encodePng(syntheticPalm({ seed }))) });
const BLANK = {
  image: base64(encodePng({ width: 144, height: 144, gray: new Uint8Array(144 * 144).fill(128) })),
};

/** What else is documented, and how it comes about. */
const SCENES: readonly Scene[] = [
  async function palmsThatAreRefused({ world, journal }) {
    const { ids, key: token } = world.own;
    const newMember = async () => (await journal.call("createMember", { ids, token, body: {} }, 201)).body.id;
    const enrol = (member_id: string, samples: object[], wanted: number | string) =>
      journal.call("enrollPalm", { ids, token, body: { member_id, samples } }, wanted);
    const member = await newMember();
    const seeds = [1, 2, 3, 4, 5].map((n) => 900_000 + n);
    for (const seed of seeds.slice(0, 4)) await enrol(member, [pictureOf(seed)], 201);
    await enrol(member, [pictureOf(seeds[4] as number)], "limit_reached");
    const other = await newMember();
    await enrol(other, [pictureOf(seeds[0] as number)], "duplicate_palm");
    await enrol(other, [pictureOf(900_006), pictureOf(900_007)], "template_mismatch");
    await enrol(other, [BLANK], "poor_quality");
    await journal.call("identify", { ids, token, body: BLANK }, "poor_quality");
    await journal.call("verifyPalm", { ids, token, body: BLANK }, "poor_quality");
    const deviceKey = world.own.deviceKey;
    await journal.call("scan", { token: deviceKey, body: BLANK }, "poor_quality");
    const hand = { photo: base64(await encodeJpeg(renderHand(CHECKED_HANDS[1]))) };
    const wall = { photo: base64(await encodeJpeg(notAHand("wall", 1))) };
    for (const [body, code] of [
      [wall, "no_hand"],
      [{ ...hand, hand: "left" }, "hand_mismatch"],
    ] as const) {
      await enrol(other, [body], code);
      await journal.call("identify", { ids, token, body }, code);
      await journal.call("verifyPalm", { ids, token, body }, code);
      await journal.call("scan", { token: deviceKey, body }, code);
    }
  },
  async function bodiesThatAreTooLarge({ journal, right }) {
    for (const operation of operations.filter(({ body }) => body !== undefined)) {
      const [credential = "none"] = operation.credentials;
      const { ids, call } = await right.of(operation, { example: 0, credential, fresh: false });
      const body = { padding: "x".repeat(LARGEST[operation.id] ?? 256 * 1024) };
      const asked = { ids, body, ...(call.token === undefined ? {} : { token: call.token }) };
      await journal.call(operation.id, asked, "too_large");
      const headers = { "Content-Type": "text/plain" };
      await journal.call(operation.id, { ...asked, headers, body: {} }, "unsupported_media_type");
    }
  },
  async function membersWithTheIdOfAnother({ world, journal }) {
    const { ids, key: token } = world.own;
    const external_id = randomUUID();
    await journal.call("createMember", { ids, token, body: { external_id } }, 201);
    for (const id of ["createMember", "updateMember", "updateMemberPut"]) {
      await journal.call(id, { ids, token, body: { external_id } }, "conflict");
    }
  },
  async function webhooksThatAreRefused({ world, journal }) {
    const { deps } = world.places;
    const { key: token, project } = world.own;
    const project_id = randomUUID();
    const webhook = newWebhook(deps, { project_id });
    const place = { project_id, webhook_id: webhook.id };
    const delivery = newDelivery({ ...place, attempt_count: 100 });
    await deps.commit([
      deps.projects.create({ ...project, id: project_id }),
      deps.webhooks.create(webhook),
      deps.deliveries.create(delivery),
    ]);
    const ids = { ...place, delivery_id: delivery.id };
    const make = (url: string, wanted: number | string) =>
      journal.call(
        "createWebhook",
        { ids, token, body: { url, event_types: ["demo.scan.success"] } },
        wanted,
      );
    await make("http://169.254.169.254/", "destination_not_allowed");
    await journal.call("updateWebhook", { ids, token, body: { url: "no URL" } }, "destination_not_allowed");
    // One was planted, which takes none of the places.
    for (let n = 0; n < MAX_WEBHOOKS; n++) await make(NOWHERE, 201);
    await make(NOWHERE, "limit_reached");
    await journal.call("retryDelivery", { ids, token, body: {} }, "limit_reached");
    await journal.call("updateWebhook", { ids, token, body: { enabled: false } }, 200);
    const since = new Date().toISOString();
    await journal.call("recoverDeliveries", { ids, token, body: { since } }, "conflict");
  },
  async function terminalsThatAreTooMany({ world, journal }) {
    const { deps } = world.places;
    const { ids, key: token, organization } = world.own;
    const setCount = async (device_count: number | undefined): Promise<number | undefined> => {
      const stored = await deps.organizations.get(organization.id);
      if (!stored) throw new Error("the organization is missing");
      const write = deps.organizations.replace(stored, { ...stored.value, device_count });
      const isDone = (await deps.commit([write])) === "committed";
      return isDone ? stored.value.device_count : setCount(device_count);
    };
    const { code } = await startRegistration(deps, { app_version: null, model: null });
    const before = await setCount(deps.deviceLimits[organization.plan]);
    const body = { registration_code: code, name: "Door" };
    await journal.call("registerDevice", { ids, token, body }, "limit_reached");
    await setCount(before ?? 1);
  },
  async function terminalsThatAreTooLate({ world, journal }) {
    const { deps } = world.places;
    const old = newRegistration({ expires_at: new Date(0) });
    await deps.commit([deps.registrations.create(old.registration)]);
    await journal.call("claimRegistration", { token: old.claimToken, body: {} }, "expired");
    const { environment_not_tenant_managed: nowhere } = world.states;
    const on = { ids: nowhere?.ids ?? {}, token: nowhere?.user.token ?? "", body: { enabled: true } };
    await journal.call("updateServerLookup", on, "conflict");
  },
];
