// Mocha's spec reporter, which also leaves its counts in .reports/<suite>.json for the last line of CI.
const { mkdirSync, writeFileSync } = require("node:fs");
const { join } = require("node:path");
const { reporters } = require("mocha");

const FOLDER = join(__dirname, "../../.reports");

module.exports = class extends reporters.Spec {
  constructor(runner, options) {
    super(runner, options);
    runner.once("end", () => {
      mkdirSync(FOLDER, { recursive: true });
      const { passes, failures } = this.stats;
      writeFileSync(
        join(FOLDER, `${process.env.SUITE ?? "suite"}.json`),
        JSON.stringify({ passes, failures }),
      );
    });
  }
};
