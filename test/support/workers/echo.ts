import { parentPort } from "node:worker_threads";

/** A thread that answers what it is sent. */
parentPort?.on("message", (message: unknown) => parentPort?.postMessage(message));
