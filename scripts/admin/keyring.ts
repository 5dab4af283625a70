import { type Command, Option } from "commander";
import { addKey, parseKeyring, refuseUnsafeKeys } from "../../functions/src/data/keyring.ts";
import { type Rotation, rotateKeys } from "../../functions/src/domain/environment/rotateKeys.ts";
import {
  rotateSecretKeys,
  type SecretRotation,
} from "../../functions/src/domain/webhook/rotateSecretKeys.ts";
import type { Does } from "./program.ts";
import { kid } from "./values.ts";

/** The secrets that are keyrings: of what lasts, and of answers that are kept for a day. */
const LASTING = ["TEMPLATE_KEYS", "WEBHOOK_KEYS"];
const RINGS = [...LASTING, "SEAL_KEYS"];
/** The keyrings in variables of their names. */
const given = (): Record<string, string> =>
  Object.fromEntries(
    RINGS.flatMap((name) => {
      const secret = process.env[name];
      return secret ? [[name, secret]] : [];
    }),
  );
const ring = (rings: readonly string[]) =>
  new Option("--ring <name>", "which secret").choices(rings).default(rings[0]);

export function keyring(program: Command, does: Does): void {
  const noun = program
    .command("keyring")
    .description("the keys that seal environments' data keys, webhooks' secrets, and answers kept for a day");

  noun
    .command("new")
    .description("prints the keyring with a new key at its end; stores it nowhere, and asks no project")
    .addOption(ring(RINGS))
    .option("--id <id>", "the new key's id: k1, k2 … unless it is given", kid)
    .addHelpText(
      "after",
      "\nThe present keyring is the variable of its name, or else standard input; {} is one without keys." +
        "\n\nExample:\n  echo '{}' | npm run --silent admin -- keyring new --ring WEBHOOK_KEYS",
    )
    .action(
      does(async ({ read, options }) => {
        const secret = process.env[options.ring] || (await read());
        if (secret.trim() === "") {
          throw new Error(
            `the present keyring is missing: set ${options.ring}, or give it to standard input`,
          );
        }
        const result = addKey(options.ring, secret, options.id);
        refuseUnsafeKeys({ ...given(), [options.ring]: JSON.stringify(result) }, { isDemo: false });
        return { result, alwaysJson: true };
      }),
    );

  noun
    .command("check")
    .description("checks keyrings for public demo keys and for keys that are used twice; asks no project")
    .addHelpText(
      "after",
      `\nReads the variables ${RINGS.join(", ")}. Set all three: no function has more than two of them, so only\n` +
        "this command finds a key that is in TEMPLATE_KEYS and in WEBHOOK_KEYS.",
    )
    .action(
      does(async () => {
        const rings = given();
        const missing = RINGS.filter((ring) => !(ring in rings));
        if (missing.length === RINGS.length) throw new Error(`set ${RINGS.join(", ")} to their keyrings`);
        refuseUnsafeKeys(rings, { isDemo: false });
        const result = Object.entries(rings).map(([ring, secret]) => ({
          ring,
          kids: parseKeyring(ring, secret).kids,
        }));
        const says = missing.length > 0 ? `not set, so not checked: ${missing.join(", ")}` : undefined;
        return { result, columns: ["ring", "kids"], says };
      }),
    );

  noun
    .command("rotate")
    .description(
      "seals every environment's data key, or every webhook's secret, by the keyring's last key; palms and secrets\n" +
        "stay as they are",
    )
    .addOption(ring(LASTING))
    .addHelpText(
      "after",
      "\nSafe at any time and as often as you like, once every function has been deployed with this keyring: one that\n" +
        "lacks its last key cannot open what was rotated (docs/deploy.md). What SEAL_KEYS seals is gone after a day.",
    )
    .action(
      does(async ({ options, keys, secretKeys }) => {
        const result =
          options.ring === "WEBHOOK_KEYS"
            ? await rotateSecretKeys(await secretKeys())
            : await rotateKeys(await keys());
        return { result, says: told(result), failed: result.failed.length > 0 };
      }),
    );
}

function told({ failed, unused, kid }: Rotation | SecretRotation): string {
  const leave = unused.length > 0 ? `${unused.join(", ")} may leave the keyring` : `only ${kid} is in use`;
  return failed.length > 0
    ? `${failed.length} not opened by this keyring, and left as they were: take no key out of it`
    : leave;
}
