import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { parseKey } from "../../functions/src/domain/credential/key.ts";
import * as world from "../../scripts/world.ts";
import { encodePng, syntheticPalm } from "../support/palms.ts";

const DATA = new URL("../../emulator-data/", import.meta.url);

describe("The demo world", () => {
  it("has an id of its own for every thing", () => {
    const { organizations, environments, projects, devices, apiKeys, users, people } = world;
    const ids = [
      ...[...organizations, ...environments, ...projects, ...devices].map(({ id }) => id),
      ...apiKeys.map(({ name }) => world.apiKeyNamed(name).id),
      ...users.map(({ uid }) => uid),
      ...people.map(({ external_id }) => external_id),
    ];
    assert.deepEqual(duplicates(ids), []);
    assert.deepEqual(duplicates(world.pictures.map(({ file }) => file)), []);
  });

  it("keeps the ids that stand in other people's examples", () => {
    const list = (rows: readonly { id: string; name: string }[]) => rows.map(({ id, name }) => [id, name]);
    assert.deepEqual(list(world.organizations), [
      ["aaaaaaaa-0000-4000-8000-000000000001", "Acme"],
      ["aaaaaaaa-0000-4000-8000-000000000002", "Rival"],
      ["aaaaaaaa-0000-4000-8000-000000000003", "Tiny"],
      ["aaaaaaaa-0000-4000-8000-000000000009", "Palmgate Global"],
    ]);
    assert.deepEqual(
      world.environments.map(({ id }) => id),
      [
        "eeeeeeee-0000-4000-8000-000000000001",
        "eeeeeeee-0000-4000-8000-000000000002",
        "eeeeeeee-0000-4000-8000-000000000003",
        "eeeeeeee-0000-4000-8000-000000000009",
      ],
    );
    assert.deepEqual(list(world.projects), [
      ["bbbbbbbb-0000-4000-8000-000000000001", "Acme HQ"],
      ["bbbbbbbb-0000-4000-8000-000000000002", "Acme Kiosk"],
      ["bbbbbbbb-0000-4000-8000-000000000003", "Rival Gym"],
      ["bbbbbbbb-0000-4000-8000-000000000004", "Tiny Shop"],
    ]);
    assert.deepEqual(list(world.devices), [["dddddddd-0000-4000-8000-000000000001", "Front door"]]);
  });

  it("names as admins who administers", () => {
    for (const { id, admins } of world.organizations) {
      const named = world.users.filter(({ organization_id }) => organization_id === id);
      assert.deepEqual(
        named.map(({ uid }) => uid),
        admins,
      );
    }
  });

  it("has exactly the pictures that the generator draws, byte for byte", () => {
    const files = world.pictures.map(({ file }) => file);
    assert.deepEqual(readdirSync(new URL("palms/", DATA)).sort(), files.sort());
    for (const picture of world.pictures) {
      const committed = readFileSync(new URL(`palms/${picture.file}`, DATA));
      assert.ok(committed.equals(encodePng(syntheticPalm(picture))), picture.file);
    }
  });

  describe("credentials.json", () => {
    const committed = JSON.parse(readFileSync(new URL("credentials.json", DATA), "utf8"));

    it("is what the seed writes", () => {
      assert.deepEqual(committed, world.credentials);
    });

    it("has the users, the keys and the address that are promised", () => {
      const user = (email: string, organization: number | null) => ({
        email,
        password: "palmgate-demo",
        organization_id: organization && `aaaaaaaa-0000-4000-8000-00000000000${organization}`,
      });
      assert.equal(committed.base_url, "http://127.0.0.1:5005");
      assert.deepEqual(committed.users, [
        user("admin@acme.example", 1),
        user("admin@rival.example", 2),
        user("admin@tiny.example", 3),
        user("nobody@acme.example", null),
      ]);
      assert.deepEqual(Object.keys(committed.api_keys), ["acme", "acme_hq", "rival", "tiny", "revoked"]);
      assert.deepEqual(Object.keys(committed.device_keys), ["acme_hq"]);
      assert.deepEqual(Object.keys(committed), ["base_url", "users", "api_keys", "device_keys"]);
    });

    it("has keys that are well formed and name their record", () => {
      for (const [name, key] of Object.entries<string>(committed.api_keys)) {
        assert.equal(parseKey("pg", key)?.id, world.apiKeyNamed(name).id, name);
      }
      assert.equal(parseKey("pd", committed.device_keys.acme_hq)?.id, world.devices[0]?.id);
    });
  });
});

function duplicates(ids: readonly string[]): string[] {
  return ids.filter((id, index) => ids.indexOf(id) !== index);
}
