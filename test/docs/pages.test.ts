import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { type Profile, ROOT } from "../../scripts/profiles.ts";
import { surroundingsOf } from "../support/pages/addresses.ts";
import { compare } from "../support/pages/compare.ts";
import { PAGES, readPage } from "../support/pages/pages.ts";
import { type Outcome, openShell, type Shell } from "../support/pages/shell.ts";
import { firstLine, sortBlocks } from "../support/pages/sort.ts";
import { acmeHq } from "../support/pages/world.ts";

/*
 * What the pages tell to do is done, as it stands, on the demo world. A page has a shell of its own, in the repository's
 * folder; the world is one for all of them. So each leaves in Acme HQ what it found there.
 */

const surroundings = surroundingsOf(process.env["PROFILE"] as Profile);

for (const page of PAGES) {
  const { steps } = sortBlocks(readPage(page));
  if (steps.length === 0) continue;

  describe(page, () => {
    let shell: Shell;
    let found: Awaited<ReturnType<typeof acmeHq>>;
    before(async () => {
      found = await acmeHq();
      shell = openShell(ROOT, surroundings);
    });
    after(() => shell.end());

    const outcomes: Promise<Outcome>[] = [];
    /** A block builds on those before it: with --grep they are run too. Each has its time from the shell. */
    async function outcomeOf(index: number): Promise<Outcome> {
      for (const { block } of steps.slice(outcomes.length, index + 1)) {
        const outcome = shell.run(block);
        outcomes.push(outcome);
        await outcome.catch(() => {}); // told where its block is tested
      }
      return outcomes[index] as Promise<Outcome>;
    }

    for (const [index, { block, shown }] of steps.entries()) {
      it(`line ${block.line}: ${firstLine(block.text)}`, async () => {
        const { printed, said, status } = await outcomeOf(index);
        const faults = compare(shown, printed);
        if (status !== 0) faults.push(`ends with ${status}`);
        if (faults.length > 0) assert.fail([`${page}:${block.line}`, ...faults, said].join("\n"));
      });
    }

    it("leaves Acme HQ as it was", async () => {
      await outcomeOf(steps.length - 1);
      assert.deepEqual(await acmeHq(), found);
    });
  });
}

describe("The pages", () => {
  const tree = () =>
    `${spawnSync("git", ["status", "--porcelain", "--untracked-files=all"], { cwd: ROOT }).stdout}`;
  const found = tree();

  it("leave the working tree as it was", () => {
    assert.deepEqual(tree().split("\n"), found.split("\n"));
  });
});
