import { type Command, Option } from "commander";
import {
  calibrateEnvironment,
  removeCalibration,
} from "../../functions/src/domain/environment/calibrateEnvironment.ts";
import { checkEnvironment } from "../../functions/src/domain/environment/checkEnvironment.ts";
import { type Destruction, destroyKey } from "../../functions/src/domain/environment/destroyKey.ts";
import { TEMPLATE_FORMATS } from "../../functions/src/domain/environment/environment.ts";
import { listEnvironments } from "../../functions/src/domain/environment/listEnvironments.ts";
import { provisionEnvironment } from "../../functions/src/domain/environment/provisionEnvironment.ts";
import {
  type SealedEnvironment,
  sealEnvironment,
} from "../../functions/src/domain/environment/sealEnvironment.ts";
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
      new Option(
        "--type <type>",
        "organization: its own; global: shared, its palms have no member, and everybody enrolled is identified for every customer",
      )
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
    .command("seal")
    .description(
      "binds the palms of an environment from before 0.1.0 to their members, then refuses documents that are not bound",
    )
    .argument("<environment>", "its id", id)
    .option("--yes", "seal it although palms contradict the log or their member: they no longer match then")
    .addHelpText(
      "after",
      "\nSafe while palms are enrolled, and run again where it was stopped, once every function has been deployed with\n" +
        "this version: older instances cannot open the key of a sealed environment (docs/operator.md).",
    )
    .action(
      does(async ({ keys, options }, environment_id) => {
        const result = await sealEnvironment(await keys(), {
          environment_id,
          confirmed: options.yes === true,
        });
        return { result, says: sealedWords(result), failed: result.outcome === "would_refuse" };
      }),
    );

  noun
    .command("check")
    .description("reads an environment's palms as the functions do; names what was edited and is left out")
    .argument("<environment>", "its id", id)
    .action(
      does(async ({ keys }, environment_id) => {
        const result = await checkEnvironment(await keys(), { environment_id });
        const { skipped, refused_palms, hidden_palms, orphans, links_sealed } = result;
        const faults = skipped + refused_palms.length + hidden_palms.length + orphans;
        const says = faults > 0 ? "documents were edited in the database (docs/operator.md)" : undefined;
        return {
          result,
          says:
            says ??
            (links_sealed ? "nothing is left out" : "nothing is left out; not sealed: see environment seal"),
          failed: faults > 0,
        };
      }),
    );

  noun
    .command("calibrate")
    .description("measures how alike the palms of different people are here, and sets the thresholds by it")
    .argument("<environment>", "its id", id)
    .option("--remove", "remove the calibration instead: thresholds are those of public research sets again")
    .addHelpText(
      "after",
      "\nCompares up to a million pairs of palms of different members, which takes about a minute. A run that was stopped is\n" +
        "continued by the next one. Needs 3,000 pairs: about 80 palms (docs/operator.md).",
    )
    .action(
      does(async ({ ports, keys, options }, environment_id) => {
        if (options.remove) {
          const result = await removeCalibration(await ports(), { environment_id });
          return { result, says: "the environment is not calibrated any more" };
        }
        const result = await calibrateEnvironment(await keys(), {
          environment_id,
          report: (done, all) => process.stderr.write(`${done} of ${all} pairs compared\n`),
        });
        return { result, says: "searches use these thresholds from now on" };
      }),
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

function sealedWords({ outcome, refused }: SealedEnvironment): string {
  return {
    sealed:
      "documents that are not bound are refused from now on; rotate TEMPLATE_KEYS and take its old keys out, so that no " +
      "old copy of the environment's key can undo that (docs/operator.md)",
    sealed_before: "the environment was sealed before",
    would_refuse:
      `not sealed: ${refused.length} palms contradict the log or their member; delete them, or seal with --yes, and they ` +
      "no longer match",
  }[outcome];
}

function told({ outcome, organization, palms }: Destruction): string {
  const whose = `${palms} ${palms === 1 ? "palm" : "palms"} of ${organization ?? "an organization that is gone"}`;
  return {
    would_destroy: `nothing was done: with --yes nobody ever opens the ${whose} again`,
    destroyed: `nobody opens the ${whose} any more`,
    destroyed_before: "the key was destroyed before",
  }[outcome];
}
