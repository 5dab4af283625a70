import { openAuth } from "../functions/src/data/identity.ts";
import type { galleryDeps } from "../functions/src/deps.ts";
import { createEnvironment } from "../functions/src/domain/environment/createEnvironment.ts";
import { createMember } from "../functions/src/domain/member/createMember.ts";
import { enrollPalm } from "../functions/src/domain/palm/enrollPalm.ts";
import * as world from "./world.ts";

const MINUTE = 60_000;

/**
 * Makes the demo world in an empty suite, through the domain verbs.
 * @param image the picture of a file in `palms/`
 */
export async function makeWorld(
  ports: Awaited<ReturnType<typeof galleryDeps>>,
  suite: { project: string },
  image: (file: string) => Uint8Array,
): Promise<void> {
  let minute = 0;
  /** What a verb gets: real ports, ids of its own row, and a time of the world. */
  const ctxFor = (name: string) => {
    const at = new Date(world.BEGINNING.getTime() + minute * MINUTE);
    return { ...ports, id: world.fixedIds(name), now: () => at };
  };
  const created_at = world.BEGINNING;

  const auth = openAuth(suite.project);
  for (const { uid, email } of world.users) {
    await auth.createUser({ uid, email, password: world.PASSWORD, emailVerified: true });
  }
  for (const environment of world.environments) {
    await createEnvironment(ctxFor("environments"), { ...environment, created_at });
  }
  const apiKeys = world.apiKeys.map(({ name, organization_id, user_id, project_ids, revoked }) => {
    const { id, prefix, secret_hash } = world.apiKeyNamed(name);
    return ports.apiKeys.create({
      ...{ id, prefix, secret_hash, organization_id, name, project_ids, created_at },
      created_by_user_id: user_id,
      permissions: null,
      expires_at: null,
      last_used_at: null,
      revoked_at: revoked ? created_at : null,
    });
  });
  const devices = world.devices.map(({ key, ...device }) => {
    const { secret_hash } = world.deviceKey({ ...device, key });
    return ports.devices.create({
      ...{ ...device, secret_hash, created_at },
      enabled: true,
      mode: "standard",
      model: null,
      app_version: null,
      last_seen_at: null,
      unclaimed_key: null,
      session: null,
    });
  });
  await ports.commit([
    ...world.organizations.map((organization) => ports.organizations.create({ ...organization, created_at })),
    ...world.projects.map((project) => ports.projects.create({ ...project, created_at })),
    ...apiKeys,
    ...devices,
  ]);

  for (const { project_id, name, external_id, palms } of world.people) {
    minute += 5;
    const ctx = ctxFor(external_id);
    const member = await createMember(ctx, {
      project_id,
      fields: { name, external_id, email: null, phone_number: null, metadata: {} },
    });
    const project = (await ctx.projects.get(project_id))?.value;
    const environment = project && (await ctx.environments.get(project.environment_id ?? ""))?.value;
    if (!environment) throw new Error(`${name}'s project has no environment`);
    for (const palm of palms) {
      const samples = world.enrolPictures(palm).map(({ file }) => ({
        path: file,
        picture: { kind: "image" as const, bytes: image(file) },
        hand: palm.hand,
      }));
      await enrollPalm(ctx, { project, environment, member_id: member.id, samples }).catch((error) => {
        throw new Error(`${palm.file} was not enrolled: ${error.message}`);
      });
    }
  }
}
