import { BroadcastChannel, parentPort } from "node:worker_threads";
import type { Task } from "../../../functions/src/data/extraction/extract.ts";

const gate = new BroadcastChannel("gate");

/**
 * An extraction thread that does what a picture's second byte says, and answers its first byte as quality:
 * 0 immediately, 1 when the gate opens, 2 never; 3 and 4 end the thread.
 */
parentPort?.on("message", async ({ picture }: Task) => {
  const [id = 0, how] = picture.bytes;
  if (how === 1) {
    await new Promise((resolve) => {
      gate.onmessage = resolve;
    });
  }
  if (how === 2) return;
  if (how === 3) throw new Error("the thread dies");
  if (how === 4) process.exit(1);
  parentPort?.postMessage({ template: new Uint8Array(), hand: "unknown", quality: id });
});
