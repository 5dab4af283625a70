import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import {
  type Client,
  claimRegistration,
  createClient,
  createMember,
  createProjectApiKey,
  createWebhook,
  type ErrorCode,
  enrollPalm,
  getMember,
  identify,
  listMembers,
  listProjects,
  PalmgateError,
  registerDevice,
  startEnrollment,
  startRegistration,
} from "../../clients/typescript/src/index.ts";
import { GUIDANCE } from "../../functions/src/http/guidance.ts";
import { PROBLEMS } from "../../functions/src/http/problem.ts";
import type { RgbImage } from "../../functions/src/palm/index.ts";
import { fill } from "../../scripts/generated/fill.ts";
import { markdownTable } from "../../scripts/generated/markdown.ts";
import { encodeJpeg } from "../support/encodeJpeg.ts";
import { Gate } from "../support/faults.ts";
import { db } from "../support/firestore.ts";
import { CHECKED_HANDS, notAHand, renderHand } from "../support/hands.ts";
import { startInstance } from "../support/instance.ts";
import { encodePng, steadyPalm } from "../support/palms.ts";
import { newDevice } from "../support/rows.ts";
import { baseUrl } from "../support/suite.ts";
import { type Deps, newTenant, openDeps, type Tenant } from "../support/tenant.ts";

const PAGE = new URL("../../docs/errors.md", import.meta.url);
const COMMAND = "npm run generate:errors";

/** A customer, and a client of theirs that sends nothing again: the first refusal is what we want to see. */
interface World extends Tenant {
  deps: Deps;
  palmgate: Client;
}

interface Provocation {
  /** What was done, in words. */
  by: string;
  act(world: World): Promise<unknown>;
}

const image = (seed: number, sample = 0) => ({
  image: Buffer.from(encodePng(steadyPalm({ seed, sample }))).toString("base64"),
});
const photo = async (picture: RgbImage) => ({
  photo: Buffer.from(await encodeJpeg(picture)).toString("base64"),
});
const nothing = {
  image: Buffer.from(
    encodePng({ width: 144, height: 144, gray: new Uint8Array(144 * 144).fill(128) }),
  ).toString("base64"),
};

/** A client whose requests are changed on their way. */
const changing = (client: Client, change: (init: RequestInit) => RequestInit): Client =>
  client.with({ fetch: (url, init = {}) => fetch(url, change(init)) });

const newProject = async ({ deps, project }: World, more: object): Promise<string> => {
  const id = randomUUID();
  await deps.commit([deps.projects.create({ ...project, id, ...more })]);
  return id;
};

const deviceOf = async ({ deps, project }: World, more: object = {}): Promise<string> => {
  const device = newDevice({ project_id: project.id, ...more });
  await deps.commit([deps.devices.create(device)]);
  return device.id;
};

/** Asks an instance of its own, which has other surroundings than the suite's. */
async function atProjects(
  palmgate: Client,
  env: Record<string, string>,
  ask: (client: Client) => Promise<unknown>,
): Promise<unknown> {
  const instance = await startInstance("projects", env);
  try {
    return await ask(palmgate.with({ baseUrl: instance.baseUrl }));
  } finally {
    await instance.stop();
  }
}

const PROVOCATIONS: Record<ErrorCode, Provocation> = {
  invalid_request: {
    by: "createMember with an `email` that is none",
    act: ({ project, palmgate }) => createMember(project.id, { email: "nobody" }, palmgate),
  },
  unauthenticated: {
    by: "listProjects with a key that was mistyped",
    act: ({ palmgate, key }) => listProjects(palmgate.with({ key: `${key.slice(0, -1)}~` })),
  },
  forbidden: {
    by: "createProjectApiKey with an API key, where only users may",
    act: ({ project, palmgate }) => createProjectApiKey(project.id, { name: "Door" }, palmgate),
  },
  environment_not_tenant_managed: {
    by: "listMembers of a project without an environment",
    async act(world) {
      const id = await newProject(world, { environment_id: null });
      return listMembers(id, {}, world.palmgate);
    },
  },
  server_lookup_disabled: {
    by: "identify in a project that has it switched off",
    async act(world) {
      const id = await newProject(world, { server_lookup_enabled: false });
      return identify(id, image(1), world.palmgate);
    },
  },
  project_not_sandbox: {
    by: "registerDevice in a project that is none",
    async act(world) {
      const id = await newProject(world, { sandbox: false });
      return registerDevice(id, { registration_code: "7K3M9QXP", name: "Door" }, world.palmgate);
    },
  },
  device_disabled: {
    by: "startEnrollment at a terminal that is disabled",
    async act(world) {
      const { id: member_id } = await createMember(world.project.id, {}, world.palmgate);
      return startEnrollment(await deviceOf(world, { enabled: false }), { member_id }, world.palmgate);
    },
  },
  not_found: {
    by: "getMember of a member who was deleted, or is another project's",
    act: ({ project, palmgate }) => getMember(project.id, randomUUID(), palmgate),
  },
  method_not_allowed: {
    by: "DELETE on `/v1/projects`",
    act: ({ palmgate }) => listProjects(changing(palmgate, (init) => ({ ...init, method: "DELETE" }))),
  },
  conflict: {
    by: "createMember with an `external_id` that another member has",
    async act({ project, palmgate }) {
      await createMember(project.id, { external_id: "42" }, palmgate);
      return createMember(project.id, { external_id: "42" }, palmgate);
    },
  },
  duplicate_palm: {
    by: "enrollPalm of a palm that another member has",
    async act({ project, palmgate }) {
      for (const sample of [0, 1]) {
        const { id: member_id } = await createMember(project.id, {}, palmgate);
        await enrollPalm(project.id, { member_id, samples: [image(2, sample)] }, palmgate);
      }
    },
  },
  session_active: {
    by: "startEnrollment at a terminal where one goes on",
    async act(world) {
      const device_id = await deviceOf(world);
      const { id: member_id } = await createMember(world.project.id, {}, world.palmgate);
      await startEnrollment(device_id, { member_id }, world.palmgate);
      return startEnrollment(device_id, { member_id }, world.palmgate);
    },
  },
  limit_reached: {
    by: "createWebhook in a project that has 25",
    async act(world) {
      const id = await newProject(world, {});
      for (let i = 0; i < 26; i++) {
        const url = `https://hooks.example.org/${i}`;
        await createWebhook(id, { url, event_types: ["enrollment.completed"] }, world.palmgate);
      }
    },
  },
  idempotency_mismatch: {
    by: "createMember with the `Idempotency-Key` of another one",
    async act({ project, palmgate }) {
      const once = palmgate.with({ idempotencyKey: "monday-1" });
      await createMember(project.id, { name: "Ada" }, once);
      return createMember(project.id, { name: "Bo" }, once);
    },
  },
  expired: {
    by: "registerDevice with a code that was used",
    async act({ project, palmgate }) {
      const { registration_code, claim_token } = await startRegistration({}, palmgate.with({ key: "" }));
      await registerDevice(project.id, { registration_code, name: "Door" }, palmgate);
      assert.equal((await claimRegistration(palmgate.with({ key: claim_token }))).status, "registered");
      return registerDevice(project.id, { registration_code, name: "Till" }, palmgate);
    },
  },
  too_large: {
    by: "identify by a body of 13 MiB",
    act: ({ project, palmgate }) => identify(project.id, { image: "A".repeat(13 * 2 ** 20) }, palmgate),
  },
  unsupported_media_type: {
    by: "createMember by a body that is said to be `text/plain`",
    act: ({ project, palmgate }) =>
      createMember(
        project.id,
        {},
        changing(palmgate, (init) => {
          const headers = new Headers(init.headers);
          headers.set("Content-Type", "text/plain");
          return { ...init, headers };
        }),
      ),
  },
  poor_quality: {
    by: "identify by a picture of a wall",
    act: ({ project, palmgate }) => identify(project.id, nothing, palmgate),
  },
  no_hand: {
    by: "identify by a photograph of a wall",
    act: async ({ project, palmgate }) => identify(project.id, await photo(notAHand("wall", 1)), palmgate),
  },
  hand_mismatch: {
    by: "identify by a photograph of a right hand that is said to be a left one",
    act: async ({ project, palmgate }) =>
      identify(project.id, { ...(await photo(renderHand(CHECKED_HANDS[1]))), hand: "left" }, palmgate),
  },
  template_mismatch: {
    by: "enrollPalm from pictures of two palms",
    async act({ project, palmgate }) {
      const { id: member_id } = await createMember(project.id, {}, palmgate);
      return enrollPalm(project.id, { member_id, samples: [image(3), image(4)] }, palmgate);
    },
  },
  destination_not_allowed: {
    by: "createWebhook to `https://10.0.0.1/`",
    act: ({ project, palmgate }) =>
      createWebhook(
        project.id,
        { url: "https://10.0.0.1/", event_types: ["enrollment.completed"] },
        palmgate,
      ),
  },
  rate_limited: {
    by: "the sixth request in a minute, where the plan allows five",
    async act({ deps, palmgate }) {
      const { key } = await newTenant(deps, { organization: { plan: "sandbox" } });
      // The suite's own limits are no hindrance to tests.
      return atProjects(palmgate.with({ key }), { RATE_SANDBOX: "5" }, async (client) => {
        for (let i = 0; i < 6; i++) await listProjects(client);
      });
    },
  },
  internal: {
    by: "getMember of one whose record is broken",
    async act({ project, palmgate }) {
      const { id } = await createMember(project.id, {}, palmgate);
      await db().doc(`projects/${project.id}/members/${id}`).update({ palm_ids: "none" });
      return getMember(project.id, id, palmgate);
    },
  },
  unavailable: {
    by: "listProjects while the database does not answer",
    async act({ palmgate }) {
      const gate = await Gate.before(process.env["FIRESTORE_EMULATOR_HOST"] ?? "");
      await gate.turn("hang");
      try {
        return await atProjects(palmgate, { FIRESTORE_EMULATOR_HOST: gate.host }, listProjects);
      } finally {
        await gate.stop();
      }
    },
  },
};

describe("Every error code, provoked once through the client", () => {
  let world: World;
  const rows: string[][] = [];

  before(async () => {
    const deps = await openDeps();
    const tenant = await newTenant(deps);
    const palmgate = createClient({ baseUrl: baseUrl(), key: tenant.key, maxRetries: 0 });
    world = { ...tenant, deps, palmgate };
  });

  it("knows the codes that there are", () => {
    assert.deepEqual(Object.keys(PROVOCATIONS).sort(), Object.keys(PROBLEMS).sort());
  });

  for (const [code, { by, act }] of Object.entries(PROVOCATIONS) as [ErrorCode, Provocation][]) {
    it(`${code}: ${by}`, async () => {
      const error = await act(world).then(
        () => assert.fail("nothing was refused"),
        (error: unknown) => error,
      );
      assert.ok(error instanceof PalmgateError, String(error));
      const { status } = PROBLEMS[code];
      assert.deepEqual([error.status, error.code], [status, code], error.message);
      assert.ok(error.request_id);
      if (code === "rate_limited" || code === "unavailable") assert.ok((error.retryAfter ?? 0) > 0);
      const faults = error.errors.map(({ path, message }) => ` \`${path}\` ${message}.`).join("");
      const { means, advice } = GUIDANCE[code];
      rows.push([`\`${code}\``, `${status}`, means, `${by}: “${error.detail}”${faults}`, advice]);
    });
  }

  it("is told in docs/errors.md as it was answered", () => {
    assert.equal(rows.length, Object.keys(PROVOCATIONS).length, "others have failed");
    const told = markdownTable(["code", "--status", "it means", "for example", "what to do"], rows);
    const page = readFileSync(PAGE, "utf8");
    const wanted = fill(page, "errors", COMMAND, told);
    if (process.env["WRITE"]) writeFileSync(PAGE, wanted);
    else assert.equal(page, wanted, `docs/errors.md is not what is answered: ${COMMAND}`);
  });
});
