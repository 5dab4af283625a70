// Prints `N passed, N failed` over the reports that test/support/reporter.cjs left. Plain JavaScript: CI's own Node runs it.
import { existsSync, readdirSync, readFileSync } from "node:fs";

const folder = new URL("../.reports/", import.meta.url);
const total = { passes: 0, failures: 0 };
for (const file of existsSync(folder) ? readdirSync(folder) : []) {
  const { passes, failures } = JSON.parse(readFileSync(new URL(file, folder), "utf8"));
  total.passes += passes;
  total.failures += failures;
}
console.log(`${total.passes} passed, ${total.failures} failed`);
