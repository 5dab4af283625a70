import { Command, CommanderError, Option } from "commander";
import { audited } from "../../functions/src/domain/audit/audit.ts";
import { DomainError } from "../../functions/src/domain/errors.ts";
import { device } from "./device.ts";
import { environment } from "./environment.ts";
import { keyring } from "./keyring.ts";
import { organization } from "./organization.ts";
import { palm } from "./palm.ts";
import { printResult } from "./print.ts";
import { project } from "./project.ts";
import type { KeyPorts, Ports, SealKeyPorts, SecretKeyPorts } from "./target.ts";
import { user } from "./user.ts";
import { projectId } from "./values.ts";

const AFTER = `
Without --project it talks to the emulators of npm start. A project whose id begins with demo- is one of emulators; any
other is a real one, with your application-default credentials, and with a keyring in the variable of its name
(TEMPLATE_KEYS, WEBHOOK_KEYS, SEAL_KEYS) where one is needed (docs/deploy.md).

With --json it prints one JSON document; call it as npm run --silent admin -- …, or npm prints its own lines, too.
It ends with 0 when it is done, 1 when it was refused or failed, 2 when it was called wrongly.

Examples:
  npm run admin -- organization create --name "Blue Gym" --plan business
  npm run admin -- environment create --organization 3f0c…
  npm run admin -- project create --help`;

/** What the command has of the world outside. */
export interface Outside {
  out(words: string): void;
  say(words: string): void;
  /** Who runs the command, as the audit log will name them. */
  operator: string;
  /** Standard input to its end; empty when it is a terminal. */
  read(): Promise<string>;
  /** @param say is told where to, before anything is written there. */
  ports(project: string | undefined, say: (words: string) => void): Promise<Ports>;
  keys(project: string | undefined, say: (words: string) => void): Promise<KeyPorts>;
  secretKeys(project: string | undefined, say: (words: string) => void): Promise<SecretKeyPorts>;
  sealKeys(project: string | undefined, say: (words: string) => void): Promise<SealKeyPorts>;
}

/** What one command may use. Nothing is opened that it does not ask for. */
interface Given {
  // biome-ignore lint/suspicious/noExplicitAny: each command knows the options that it has defined
  options: any;
  /** Prints a line beside the result. */
  say(words: string): void;
  read(): Promise<string>;
  ports(): Promise<Ports>;
  keys(): Promise<KeyPorts>;
  secretKeys(): Promise<SecretKeyPorts>;
  sealKeys(): Promise<SealKeyPorts>;
}

/** What came of a command: the result, words beside it, and whether it ends in failure. */
interface Done {
  result: object;
  /** What a table shows of a list's items. */
  columns?: readonly string[];
  /** The result is a document to be stored, not to be read. */
  alwaysJson?: boolean;
  says?: string | undefined;
  failed?: boolean;
}

/** Makes an action of commander's. */
export type Does = (
  run: (given: Given, ...args: string[]) => Promise<Done>,
) => (this: Command) => Promise<void>;

/** Runs the command. @returns its exit code */
export async function runAdmin(args: readonly string[], outside: Outside): Promise<number> {
  let code = 0;
  const say = (words: string) => outside.say(`${words}\n`);
  const does: Does = (run) =>
    async function () {
      const { project: id, json, ...options } = this.optsWithGlobals();
      const operation = `${this.parent?.name()} ${this.name()}`;
      const audit = <P extends Ports>(ports: P): P => ({
        ...ports,
        commit: audited(ports, {
          actor: { type: "operator", id: outside.operator },
          operation,
          request_id: ports.id(),
          client_request_id: null,
        }),
      });
      const { result, columns, alwaysJson, says, failed } = await run(
        {
          options,
          say,
          read: outside.read,
          ports: async () => audit(await outside.ports(id, say)),
          keys: async () => audit(await outside.keys(id, say)),
          secretKeys: async () => audit(await outside.secretKeys(id, say)),
          sealKeys: async () => audit(await outside.sealKeys(id, say)),
        },
        ...this.processedArgs,
      );
      if (json || alwaysJson) outside.out(`${JSON.stringify(result, null, 2)}\n`);
      else printResult(result, columns, (line) => outside.out(`${line}\n`));
      if (says) say(says);
      if (failed) code = 1;
    };
  try {
    await createProgram(does, outside).parseAsync(args, { from: "user" });
    return code;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
    say(`admin: ${reason(error)}`);
    return 1;
  }
}

function createProgram(does: Does, { out, say }: Outside): Command {
  const program = new Command("npm run admin --")
    .description(
      "Makes and changes what no endpoint does: customers, console users, environments, projects, devices, keys.",
    )
    .addOption(new Option("--project <id>", "whose data: a Firebase project").argParser(projectId))
    .option("--json", "print one JSON document")
    .configureHelp({ showGlobalOptions: true })
    .configureOutput({ writeOut: out, writeErr: say })
    .showHelpAfterError("(--help tells more)")
    .exitOverride()
    .addHelpText("after", AFTER);
  for (const add of [organization, user, environment, project, device, palm, keyring]) add(program, does);
  return program;
}

/** Why something failed, in one line. */
export function reason(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const { cause, errors = [] } = error instanceof DomainError ? error : {};
  const why = [
    ...errors.map(({ path, message }) => `${path} ${message}`),
    ...(cause instanceof Error ? [cause.message] : []),
  ].join(", ");
  return `${error.message}${why && ` (${why})`}`.replaceAll(/\s+/g, " ").trim();
}
