import { readFile } from "node:fs/promises";
import { type Command, Option } from "commander";
import { type Erasure, erasePalmByPicture } from "../../functions/src/domain/palm/erasePalmByPicture.ts";
import type { Does } from "./program.ts";
import { id } from "./values.ts";

export function palm(program: Command, does: Does): void {
  const noun = program.command("palm").description("palms that belong to no member");

  noun
    .command("erase")
    .description(
      "erases the palm of a global environment that is most like a picture; says which, and does it with --yes alone",
    )
    .requiredOption("--environment <id>", "where it lives", id)
    .addOption(
      new Option("--image <file>", "PNG, JPEG or BMP of the palm's region of interest").conflicts("photo"),
    )
    .option("--photo <file>", "PNG, JPEG or WebP of the whole hand")
    .option("--yes", "do it")
    .hook("preAction", (command) => {
      const { image, photo } = command.opts();
      if (!image && !photo) command.error("error: give --image or --photo", { exitCode: 2 });
    })
    .addHelpText("after", "\nExample:\n  palm erase --environment 9a41… --image palm.png --yes")
    .action(
      does(async ({ keys, options }) => {
        const { photo, image } = options;
        const bytes = await readFile(photo ?? image);
        const result = await erasePalmByPicture(await keys(), {
          environment_id: options.environment,
          picture: { kind: photo ? "photo" : "image", bytes },
          confirmed: options.yes === true,
        });
        return { result, says: SAYS[result.outcome], failed: result.outcome !== "erased" };
      }),
    );
}

const SAYS: Record<Erasure["outcome"], string> = {
  would_erase: "nothing was done: with --yes the palm is erased",
  erased: "no request that begins now finds the palm; run it again until it finds none",
  no_match: "no palm is like the picture",
};
