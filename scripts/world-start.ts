import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { type Suite, type SuiteOptions, startSuite } from "./emulators.ts";
import { ROOT } from "./profiles.ts";

/** Starts a suite on a demo world, and lays the last two days into it: there are both, or neither. */
export async function startWorld(options: SuiteOptions): Promise<Suite> {
  const suite = await startSuite(options);
  try {
    // In a process of its own: once the emulator has gone, Firestore's client goes on trying, and stays for minutes.
    await promisify(execFile)(process.execPath, [join(ROOT, "scripts", "world-lay.ts")], {
      // Nobody's real project is to be asked for credentials.
      env: { ...process.env, ...suite.env, METADATA_SERVER_DETECTION: "none" },
      signal: options.signal,
    });
    return suite;
  } catch (error) {
    await suite.stop().catch(() => {});
    const { stderr } = error as { stderr?: string };
    throw new Error(`the last two days of Acme HQ could not be laid: ${stderr?.trim() || error}`);
  }
}
