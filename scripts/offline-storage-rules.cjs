// Loaded into the Firebase CLI (--require) where the jar of the Storage rules runtime can't be had:
// answers "not permitted", as storage.rules says. The Admin SDK passes by the rules either way.
const {
  StorageRulesIssues,
  StorageRulesRuntime,
  StorageRulesetInstance,
} = require("firebase-tools/lib/emulator/storage/rules/runtime.js");

const RULES_VERSION = 2;

Object.assign(StorageRulesRuntime.prototype, {
  async start() {
    this._alive = true;
  },
  async stop() {
    this._alive = false;
  },
  async loadRuleset() {
    return {
      issues: new StorageRulesIssues(),
      ruleset: new StorageRulesetInstance(this, RULES_VERSION, "denied"),
    };
  },
  async verifyWithRuleset() {
    return { permitted: false, issues: new StorageRulesIssues() };
  },
});
