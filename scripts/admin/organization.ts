import { type Command, Option } from "commander";
import { createOrganization } from "../../functions/src/domain/organization/createOrganization.ts";
import { listAllOrganizations } from "../../functions/src/domain/organization/listAllOrganizations.ts";
import { PLANS } from "../../functions/src/domain/organization/organization.ts";
import { setAdmin } from "../../functions/src/domain/organization/setAdmin.ts";
import type { User } from "../../functions/src/domain/user/user.ts";
import type { Does } from "./program.ts";
import { id, name, who, whos } from "./values.ts";

export function organization(program: Command, does: Does): void {
  const noun = program.command("organization").description("customers, and who administers them");

  noun
    .command("create")
    .description("makes an organization")
    .requiredOption("--name <name>", "1 to 200 characters", name)
    .addOption(new Option("--plan <plan>", "what was sold").choices(PLANS).makeOptionMandatory())
    .option(
      "--admin <user>",
      "verified e-mail address, or id, of a console user; may be given several times",
      whos,
    )
    .addHelpText(
      "after",
      `\nExample:\n  organization create --name "Blue Gym" --plan business --admin ada@blue.example`,
    )
    .action(
      does(async ({ ports, say, options: { name, plan, admin } }) => {
        const announce = (user: User) => say(`new admin: ${described(user)}`);
        const input = { name, plan, admins: admin ?? [], announce };
        return { result: await createOrganization(await ports(), input) };
      }),
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
    does(async ({ ports, say }, organization_id, user) => {
      const announce = (found: User) => say(`${admin ? "new" : "former"} admin: ${described(found)}`);
      const input = { organization_id, user, admin, announce };
      const { organization, changed } = await setAdmin(await ports(), input);
      return {
        result: organization,
        says: changed ? undefined : `${user} was ${admin ? "an admin already" : "no admin"}`,
      };
    });

  noun
    .command("add-admin")
    .description("lets a console user administer an organization")
    .argument("<organization>", "its id", id)
    .argument("<user>", "verified e-mail address, or id", who)
    .action(set(true));

  noun
    .command("remove-admin")
    .description("takes that away, from the user's very next request on")
    .argument("<organization>", "its id", id)
    .argument("<user>", "e-mail or id; the id is enough for a user who was deleted", who)
    .action(set(false));
}

const described = ({ id, email, email_verified, created_at }: User): string =>
  `${email ?? "no e-mail address"} (${email_verified ? "verified" : "not verified"}), user id ${id}, ` +
  `account created at ${created_at.toISOString()}`;
