import { createDevices } from "../functions/src/data/devices.ts";
import { answered, createCommit, openFirestore } from "../functions/src/data/firestore.ts";
import { createScans } from "../functions/src/data/scans.ts";
import { createTransactions } from "../functions/src/data/transactions.ts";
import { type Suite, type SuiteOptions, startSuite } from "./emulators.ts";
import { historyOf } from "./history.ts";
import { ACME_HQ, FRONT_DOOR } from "./world.ts";

/** Starts a suite on a demo world, and lays the last two days into it: there are both, or neither. */
export async function startWorld(options: SuiteOptions): Promise<Suite> {
  const suite = await startSuite(options);
  try {
    await layHistory(suite);
    return suite;
  } catch (error) {
    await suite.stop().catch(() => {});
    const why = error instanceof Error ? error.message : error;
    throw new Error(`the last two days of Acme HQ could not be laid: ${why}`);
  }
}

async function layHistory(suite: Suite): Promise<void> {
  // Nobody's real project is to be asked for credentials.
  Object.assign(process.env, suite.env, { METADATA_SERVER_DETECTION: "none" });
  const db = openFirestore(suite.project);
  try {
    if (!(await isMissing(db))) return;
    const { scans, transactions } = historyOf(new Date());
    // One commit: whatever interrupts it, a world that is kept has all or nothing of it.
    const outcome = await createCommit(db)([
      ...scans.map(createScans(db).create),
      ...transactions.map(createTransactions(db).create),
    ]);
    if (outcome === "conflict") throw new Error("some of it is there");
  } finally {
    await db.terminate();
  }
}

/**
 * Whether Front door is where it was, and has left nothing: no transaction, no scan by a terminal. Other scans do not
 * count: every enrolment of the seed has left one.
 */
async function isMissing(db: ReturnType<typeof openFirestore>): Promise<boolean> {
  const door = await createDevices(db).get(FRONT_DOOR);
  if (door?.value.project_id !== ACME_HQ) return false;
  const project = db.collection("projects").doc(ACME_HQ);
  const traces = [
    project.collection("transactions"),
    project.collection("scans").where("source", "==", "terminal"),
  ];
  const found = await Promise.all(traces.map((trace) => answered(trace.limit(1).get())));
  return found.every(({ empty }) => empty);
}
