import { type Command, Option } from "commander";
import { type Destruction, destroyKey } from "../../functions/src/domain/environment/destroyKey.ts";
import { TEMPLATE_FORMATS } from "../../functions/src/domain/environment/environment.ts";
import { listEnvironments } from "../../functions/src/domain/environment/listEnvironments.ts";
import { provisionEnvironment } from "../../functions/src/domain/environment/provisionEnvironment.ts";
import { TARGET_FPIR } from "../../functions/src/palm/index.ts";
import type { Does } from "./program.ts";
import { id, targetFpir } from "./values.ts";

export function environment(program: Command, does: Does): void {
  const noun = program.command("environment").description("where palms live, and the keys that open them");

  noun
    .command("create")
    .description("makes an environment and its data key, sealed by the last key of TEMPLATE_KEYS")
    .requiredOption("--organization <id>", "whose it is", id)
    .addOption(
      new Option("--type <type>", "organization: its own; global: shared, its palms have no member")
        .choices(["organization", "global"])
        .default("organization"),
    )
    .addOption(
      new Option("--format <format>", "what its templates are")
        .choices(TEMPLATE_FORMATS)
        .default(TEMPLATE_FORMATS[0]),
    )
    .option("--target-fpir <share>", "share of strangers that may be identified", targetFpir, TARGET_FPIR)
    .option("--no-server-lookup", "forbid its projects to identify and verify on the server")
    .addHelpText("after", "\nExample:\n  environment create --organization 3f0c… --format vector-512.v1")
    .action(
      does(async ({ keys, options }) => ({
        result: await provisionEnvironment(await keys(), {
          organization_id: options.organization,
          type: options.type,
          template_format: options.format,
          target_fpir: options.targetFpir,
          server_lookup_allowed: options.serverLookup,
        }),
      })),
    );

  noun
    .command("list")
    .description("lists environments, newest first: how many palms, sealed by which key")
    .option("--organization <id>", "of one organization alone", id)
    .action(
      does(async ({ ports, options }) => ({
        result: await listEnvironments(await ports(), { organization_id: options.organization }),
        columns: ["id", "organization_id", "type", "template_format", "palms", "kid"],
      })),
    );

  noun
    .command("destroy-key")
    .description(
      "makes an environment's palms unreadable for ever; says of which, and does it with --yes alone",
    )
    .argument("<environment>", "its id", id)
    .option("--yes", "do it")
    .action(
      does(async ({ ports, options }, environment_id) => {
        const result = await destroyKey(await ports(), { environment_id, confirmed: options.yes === true });
        return { result, says: told(result), failed: result.outcome === "would_destroy" };
      }),
    );
}

function told({ outcome, organization, palms }: Destruction): string {
  const whose = `${palms} ${palms === 1 ? "palm" : "palms"} of ${organization ?? "an organization that is gone"}`;
  return {
    would_destroy: `nothing was done: with --yes nobody ever opens the ${whose} again`,
    destroyed: `nobody opens the ${whose} any more`,
    destroyed_before: "the key was destroyed before",
  }[outcome];
}
