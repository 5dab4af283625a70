// Loaded into the Firebase CLI (--require) to spare the suite what the CLI does without need.
const { createRequire } = require("node:module");

// The Auth emulator compiles the schemas of its whole API, for six seconds; a suite calls a handful of methods.
const exegesis = createRequire(require.resolve("firebase-tools"))("exegesis-express");
const { middleware } = exegesis;
exegesis.middleware = (api, options) => middleware(api, { ...options, lazyCompileValidationSchemas: true });

// It asks npm, for up to ten seconds, whether there is a newer firebase-functions.
const versioning = require("firebase-tools/lib/deploy/functions/runtimes/node/versioning.js");
versioning.getLatestSDKVersion = () => undefined;

// Its debug log, 8 kB a request, would lie in a folder that ends with the suite.
require("firebase-tools/lib/logger.js").useFileLogger = () => "";

// A function that refuses a large body closes the connection before all of it is sent. The CLI then answers a second time,
// which ends it, and ends the function's process.
const { RuntimeWorker } = require("firebase-tools/lib/emulator/functionsRuntimeWorker.js");
const { request } = RuntimeWorker.prototype;
RuntimeWorker.prototype.request = function (...args) {
  const [, response] = args;
  const { writeHead } = response;
  response.writeHead = (...head) => {
    if (!response.headersSent) return writeHead.apply(response, head);
    if (!response.writableEnded) response.destroy();
    response.write = () => false;
    response.end = () => response;
    const { process } = this.runtime;
    const { kill } = process;
    process.kill = () => {
      process.kill = kill;
      return false;
    };
    return response;
  };
  return request.apply(this, args);
};
