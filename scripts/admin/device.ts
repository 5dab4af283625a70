import type { Command } from "commander";
import { toDevice } from "../../functions/src/api/devices/schemas.ts";
import { registerDevice } from "../../functions/src/domain/device/registerDevice.ts";
import { DomainError, notFound } from "../../functions/src/domain/errors.ts";
import type { Does } from "./program.ts";
import type { SealKeyPorts } from "./target.ts";
import { id, name } from "./values.ts";

/** The operator may exceed a plan, and is told so. */
async function excess(ports: SealKeyPorts, organization_id: string): Promise<string | undefined> {
  const organization = await ports.organizations.get(organization_id);
  if (!organization) return undefined;
  const { plan, device_count = 0 } = organization.value;
  const limit = ports.deviceLimits[plan];
  return device_count > limit
    ? `the organization now has ${device_count} devices; plan ${plan} allows ${limit}, so its own registrations are refused`
    : undefined;
}

export function device(program: Command, does: Does): void {
  const noun = program.command("device").description("palm terminals");

  noun
    .command("register")
    .description(
      "makes a device of the terminal that shows a code, in any project, beyond the plan's number too; it fetches its key itself",
    )
    .argument("<project>", "whose it will be: the id of a project of Palmgate", id)
    .requiredOption("--code <code>", "as the terminal shows it", name)
    .requiredOption("--name <name>", "1 to 200 characters", name)
    .addHelpText("after", `\nExample:\n  device register 7b20… --code K3XW9Q2M --name "Main entrance"`)
    .action(
      does(async ({ sealKeys, options: { code, name } }, project_id) => {
        const ports = await sealKeys();
        const project = await ports.projects.get(project_id as string);
        if (!project) throw notFound(`project ${project_id}`);
        const made = await registerDevice(ports, { project: project.value, code, name }).catch((error) => {
          // The API does not say what is missing.
          throw error instanceof DomainError && error.code === "not_found"
            ? notFound("terminal that shows this code")
            : error;
        });
        return { result: toDevice(made), says: await excess(ports, project.value.organization_id) };
      }),
    );
}
