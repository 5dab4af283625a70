import { type Command, Option } from "commander";
import { addKey } from "../../functions/src/data/keyring.ts";
import { type Rotation, rotateKeys } from "../../functions/src/domain/environment/rotateKeys.ts";
import type { Does } from "./program.ts";
import { kid } from "./values.ts";

/** The secrets that are keyrings. */
const RINGS = ["TEMPLATE_KEYS"];
const ring = () => new Option("--ring <name>", "which secret").choices(RINGS).default(RINGS[0]);

export function keyring(program: Command, does: Does): void {
  const noun = program.command("keyring").description("the keys that seal the environments' data keys");

  noun
    .command("new")
    .description("prints the keyring with a new key at its end; stores it nowhere, and asks no project")
    .addOption(ring())
    .option("--id <id>", "the new key's id: k1, k2 … unless it is given", kid)
    .addHelpText(
      "after",
      "\nThe present keyring is the variable TEMPLATE_KEYS, or else standard input; {} is one without keys." +
        "\n\nExample:\n  echo '{}' | npm run --silent admin -- keyring new",
    )
    .action(
      does(async ({ read, options }) => {
        const secret = process.env[options.ring] || (await read());
        if (secret.trim() === "") {
          throw new Error(
            `the present keyring is missing: set ${options.ring}, or give it to standard input`,
          );
        }
        return { result: addKey(options.ring, secret, options.id), alwaysJson: true };
      }),
    );

  noun
    .command("rotate")
    .description("seals every environment's data key by the keyring's last key; palms stay as they are")
    .addOption(ring())
    .addHelpText(
      "after",
      "\nSafe at any time and as often as you like, once every function has been deployed with this keyring: one that\n" +
        "lacks its last key cannot open what was rotated (docs/deploy.md).",
    )
    .action(
      does(async ({ keys }) => {
        const result = await rotateKeys(await keys());
        return { result, says: told(result), failed: result.failed.length > 0 };
      }),
    );
}

function told({ failed, unused, kid }: Rotation): string {
  const leave = unused.length > 0 ? `${unused.join(", ")} may leave the keyring` : `only ${kid} is in use`;
  return failed.length > 0
    ? `${failed.length} not opened by this keyring, and left as they were: take no key out of it`
    : leave;
}
