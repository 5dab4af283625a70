import { readFileSync } from "node:fs";
import { join } from "node:path";
import { isDeepStrictEqual } from "node:util";
import type { Project } from "../functions/src/domain/project/project.ts";
import { type Answer, type Api, createApi, signIn } from "./api.ts";
import type { Suite } from "./emulators.ts";
import * as world from "./world.ts";

type Credentials = typeof world.credentials;
type Place = Pick<Project, "id" | "name">;

/**
 * Uses the world in a suite as an integrator would, with nothing but the files of `dir`.
 * @returns what was seen, in a sentence.
 * @throws Error for the first thing that is not as world.ts says.
 */
export async function tryWorld(suite: Suite, dir: string): Promise<string> {
  const api = createApi(suite.baseUrl);
  const credentials: Credentials = JSON.parse(readFileSync(join(dir, "credentials.json"), "utf8"));
  await expectUsers(api, suite.ports.auth, credentials);
  await expectKeys(api, credentials);
  return expectPalms(api, dir, credentials);
}

/** A user sees the organizations that name them, and those organizations' projects. */
async function expectUsers(api: Api, authPort: number, { users }: Credentials): Promise<void> {
  for (const { email, password } of users) {
    const { body } = await signIn(authPort, email, password);
    const uid = world.users.find((user) => user.email === email)?.uid ?? "";
    const organizations = world.organizations.filter(({ admins }) => admins.includes(uid));
    const ids = organizations.map(({ id }) => id);
    const projects = world.projects.filter(({ organization_id }) => ids.includes(organization_id));
    await expectList(api, email, "/organizations", body.idToken, organizations);
    await expectList(api, email, "/projects", body.idToken, projects);
  }
}

/** A key sees its projects; a revoked one nothing, and a terminal's has no business at the list. */
async function expectKeys(api: Api, { api_keys, device_keys }: Credentials): Promise<void> {
  for (const { name, organization_id, project_ids, revoked } of world.apiKeys) {
    const token = api_keys[name];
    if (revoked) {
      expectRefusal(name, await api("GET", "/projects", { token }), 401, "unauthenticated");
      continue;
    }
    const own = world.projects.filter((project) => project.organization_id === organization_id);
    const opened = own.filter(({ id }) => project_ids?.includes(id) ?? true);
    await expectList(api, name, "/projects", token, opened);
  }
  for (const { key, name } of world.devices) {
    expectRefusal(name, await api("GET", "/projects", { token: device_keys[key] }), 403, "forbidden");
  }
}

/** Every fresh picture finds its member where it is enrolled, and nobody else finds anybody anywhere. */
async function expectPalms(api: Api, dir: string, { api_keys }: Credentials): Promise<string> {
  const tokenFor = ({ organization_id }: (typeof world.projects)[number]) => {
    const key = world.apiKeys.find((row) => row.organization_id === organization_id);
    return api_keys[key?.name ?? ""];
  };
  const fresh = world.people.flatMap((person) =>
    person.palms.flatMap(world.freshPictures).map(({ file }) => ({ file, person })),
  );
  const nobody = [
    ...world.strangerPictures,
    ...world.freshPictures(world.newcomer),
    ...world.photographs,
  ].map(({ file }) => file);
  const scores: number[] = [];
  let threshold = 0;

  for (const project of world.projects) {
    const token = tokenFor(project);
    const identify = (file: string) => {
      const body = file.endsWith(".jpg")
        ? { photo: readFileSync(join(dir, "hands", file), "base64") }
        : { image: readFileSync(join(dir, "palms", file), "base64") };
      return api("POST", `/project/${project.id}/identify`, { token, body });
    };
    const expectNobody = async (file: string) => {
      const { body } = await identify(file);
      if (body.outcome !== "no_match") throw new Error(`${file} at ${project.name}: ${JSON.stringify(body)}`);
      threshold = Math.max(threshold, body.threshold);
    };
    const environment = world.environments.find(({ id }) => id === project.environment_id);
    if (environment?.type === "global") {
      const answer = await identify(nobody[0] as string);
      expectRefusal(project.name, answer, 403, "environment_not_tenant_managed");
      continue;
    }
    const known = fresh.filter(({ person }) => person.project_id === project.id);
    if (known.length === 0) {
      // An empty gallery finds nobody, whoever comes; its plan may allow few requests a minute.
      for (const file of [nobody[0], fresh[0]?.file]) await expectNobody(file as string);
      continue;
    }
    for (const { file, person } of known) {
      const { body: found } = await identify(file);
      if (found.outcome !== "identified") throw new Error(`${file} finds nobody: choose another seed`);
      const path = `/project/${project.id}/members/${found.member_id}`;
      const { body: member } = await api("GET", path, { token });
      if (member.external_id !== person.external_id) throw new Error(`${file} finds ${member.name}`);
      scores.push(found.score);
    }
    for (const file of nobody) await expectNobody(file);
  }
  return (
    `${scores.length} fresh pictures find their member (lowest score ${Math.min(...scores)}, ` +
    `threshold ${threshold}), ${nobody.length} of nobody find nobody`
  );
}

async function expectList(
  api: Api,
  who: string,
  path: string,
  token: string | undefined,
  places: readonly Place[],
): Promise<void> {
  const { status, body } = await api("GET", path, { token });
  const wanted = places.map(({ id, name }) => `${id} ${name}`).sort();
  const seen = status === 200 ? body.map(({ id, name }: Place) => `${id} ${name}`).sort() : body;
  if (!isDeepStrictEqual(seen, wanted)) throw new Error(`${who} sees at ${path}: ${JSON.stringify(body)}`);
}

function expectRefusal(who: string, { status, body }: Answer, wanted: number, code: string): void {
  if (status === wanted && body.code === code) return;
  throw new Error(`${who} is to be refused with ${wanted} ${code}, not ${status} ${JSON.stringify(body)}`);
}
