import type { Command } from "commander";
import { text } from "../../functions/src/api/fields.ts";
import { createUser } from "../../functions/src/domain/user/createUser.ts";
import type { Does } from "./program.ts";
import { email } from "./values.ts";

const MIN_PASSWORD = 8;

export function user(program: Command, does: Does): void {
  const noun = program.command("user").description("people who sign in to the console");

  noun
    .command("create")
    .description(
      "makes a user, whose e-mail address counts as verified; the password is made too, and shown this once, unless\n" +
        "it is given",
    )
    .requiredOption("--email <address>", "what they sign in with", email)
    .option(
      "--password-from-stdin",
      `read the password from standard input, ${MIN_PASSWORD} characters at least`,
    )
    .addHelpText("after", "\nExample:\n  user create --email ada@blue.example")
    .action(
      does(async ({ ports, read, options: { email, passwordFromStdin } }) => {
        const password = passwordFromStdin ? await readPassword(read) : undefined;
        return { result: await createUser(await ports(), { email, password }) };
      }),
    );
}

async function readPassword(read: () => Promise<string>): Promise<string> {
  const password = (await read()).replace(/\r?\n$/, "");
  const fault = text(1000).safeParse(password).error?.issues[0]?.message;
  if (fault) throw new Error(`the password ${fault}`);
  if ([...password].length < MIN_PASSWORD)
    throw new Error(`the password has less than ${MIN_PASSWORD} characters`);
  return password;
}
