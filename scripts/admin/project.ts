import { Argument, type Command } from "commander";
import { DomainError, notFound } from "../../functions/src/domain/errors.ts";
import { createProject } from "../../functions/src/domain/project/createProject.ts";
import { listAllProjects } from "../../functions/src/domain/project/listAllProjects.ts";
import { setServerLookup } from "../../functions/src/domain/project/setServerLookup.ts";
import type { Does } from "./program.ts";
import { id, name, phoneNumber, website } from "./values.ts";

export function project(program: Command, does: Does): void {
  const noun = program.command("project").description("the places and apps of an organization");

  noun
    .command("create")
    .description("makes a project")
    .requiredOption("--organization <id>", "whose it is", id)
    .requiredOption("--name <name>", "1 to 200 characters", name)
    .option(
      "--environment <id>",
      "where its palms live: the organization's own environment, or a global one",
      id,
    )
    .option("--sandbox", "devices may be registered by the customer")
    .option("--phone-number <number>", "E.164", phoneNumber)
    .option("--website <url>", "http or https", website)
    .option("--server-lookup", "allow identify and verify from the start")
    .addHelpText(
      "after",
      `\nExample:\n  project create --organization 3f0c… --environment 9a41… --name "Main entrance"`,
    )
    .action(
      does(async ({ ports, options }) => ({
        result: await createProject(await ports(), {
          organization_id: options.organization,
          environment_id: options.environment ?? null,
          name: options.name,
          phone_number: options.phoneNumber ?? null,
          website: options.website ?? null,
          sandbox: options.sandbox === true,
          server_lookup_enabled: options.serverLookup === true,
        }),
      })),
    );

  noun
    .command("list")
    .description("lists projects, newest first")
    .option("--organization <id>", "of one organization alone", id)
    .action(
      does(async ({ ports, options }) => ({
        result: await listAllProjects(await ports(), { organization_id: options.organization }),
        columns: ["id", "name", "organization_id", "environment_id", "server_lookup_enabled"],
      })),
    );

  noun
    .command("set-server-lookup")
    .description("allows or forbids identify and verify, from the very next request on")
    .argument("<project>", "its id", id)
    .addArgument(new Argument("<state>", "whether they are allowed").choices(["on", "off"]))
    .action(
      does(async ({ ports }, project_id, state) => ({
        result: await setServerLookup(await ports(), { project_id, enabled: state === "on" }).catch(
          (error) => {
            // The API does not say what is missing.
            throw error instanceof DomainError && error.code === "not_found"
              ? notFound(`project ${project_id}`)
              : error;
          },
        ),
      })),
    );
}
