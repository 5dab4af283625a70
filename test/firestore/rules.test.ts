import assert from "node:assert/strict";
import { db } from "../support/firestore.ts";
import { newUser } from "../support/suite.ts";
import { type Deps, newTenant, openDeps, type Tenant } from "../support/tenant.ts";

/** Every client comes through the API: the stores themselves open to nobody. */
describe("The rules", () => {
  let deps: Deps;
  let tenant: Tenant;
  const firestore = () =>
    `http://${process.env["FIRESTORE_EMULATOR_HOST"]}/v1/projects/${process.env["GCLOUD_PROJECT"]}/databases/(default)/documents`;
  const storage = () =>
    `http://${process.env["FIREBASE_STORAGE_EMULATOR_HOST"]}/v0/b/${process.env["TEMPLATE_BUCKET"]}/o`;

  before(async () => {
    deps = await openDeps();
    tenant = await newTenant(deps);
  });

  it("let neither a stranger nor a signed-in admin read or write Firestore", async () => {
    const path = `projects/${tenant.project.id}`;
    for (const headers of [{}, { Authorization: `Bearer ${tenant.user.token}` }]) {
      assert.equal((await fetch(`${firestore()}/${path}`, { headers })).status, 403);
      const write = {
        method: "PATCH",
        headers,
        body: JSON.stringify({ fields: { name: { stringValue: "x" } } }),
      };
      assert.equal((await fetch(`${firestore()}/${path}`, write)).status, 403);
      assert.equal((await fetch(`${firestore()}/anything/else`, write)).status, 403);
    }
    assert.equal((await db().doc(path).get()).data()?.["name"], tenant.project.name);
  });

  it("let neither a stranger nor a signed-in user read or write Storage", async () => {
    await deps.templates.put("environments/rules/x", Buffer.from("sealed"));
    const { token } = await newUser("storage@rules.example");
    for (const headers of [{}, { Authorization: `Bearer ${token}` }]) {
      const read = await fetch(`${storage()}/${encodeURIComponent("environments/rules/x")}?alt=media`, {
        headers,
      });
      assert.equal(read.status, 403);
      const write = await fetch(`${storage()}?name=mine`, { method: "POST", headers, body: "x" });
      assert.equal(write.status, 403);
    }
  });
});
