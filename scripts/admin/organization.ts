import { type Command, Option } from "commander";
import { createOrganization } from "../../functions/src/domain/organization/createOrganization.ts";
import { listAllOrganizations } from "../../functions/src/domain/organization/listAllOrganizations.ts";
import { PLANS } from "../../functions/src/domain/organization/organization.ts";
import { setAdmin } from "../../functions/src/domain/organization/setAdmin.ts";
import type { Does } from "./program.ts";
import { id, name, who, whos } from "./values.ts";

export function organization(program: Command, does: Does): void {
  const noun = program.command("organization").description("customers, and who administers them");

  noun
    .command("create")
    .description("makes an organization")
    .requiredOption("--name <name>", "1 to 200 characters", name)
    .addOption(new Option("--plan <plan>", "what was sold").choices(PLANS).makeOptionMandatory())
    .option("--admin <user>", "e-mail or id of a console user; may be said several times", whos)
    .addHelpText(
      "after",
      `\nExample:\n  organization create --name "Blue Gym" --plan business --admin ada@blue.example`,
    )
    .action(
      does(async ({ ports, options: { name, plan, admin } }) => ({
        result: await createOrganization(await ports(), { name, plan, admins: admin ?? [] }),
      })),
    );

  noun
    .command("list")
    .description("lists all organizations, newest first")
    .action(
      does(async ({ ports }) => ({
        result: await listAllOrganizations(await ports()),
        columns: ["id", "name", "plan", "admins", "created_at"],
      })),
    );

  const set = (admin: boolean) =>
    does(async ({ ports }, organization_id, user) => {
      const { organization, changed } = await setAdmin(await ports(), { organization_id, user, admin });
      return {
        result: organization,
        says: changed ? undefined : `${user} was ${admin ? "an admin already" : "no admin"}`,
      };
    });

  noun
    .command("add-admin")
    .description("lets a console user administer an organization")
    .argument("<organization>", "its id", id)
    .argument("<user>", "e-mail or id", who)
    .action(set(true));

  noun
    .command("remove-admin")
    .description("takes that away, from the user's very next request on")
    .argument("<organization>", "its id", id)
    .argument("<user>", "e-mail or id; the id is enough for a user who was deleted", who)
    .action(set(false));
}
