/**
 * What the palm engine does: error rates on synthetic palms, or on the pictures of a set.
 *
 *   npm run bench:accuracy -- [--palms 300] [--samples 6] [--thresholds]
 *   npm run bench:accuracy -- --images PATH [--photos] [--det FILE.svg]
 *
 * --photos: the pictures are photographs of whole hands, whose regions are cut by landmarks. PATH is a folder `<palm>/<session>/<file>` or `<palm>/<file>`, or a list, see accuracy/sets.ts.
 */
import { parseArgs } from "node:util";
import { reportImages } from "./accuracy/report.ts";
import { reportSynthetic } from "./accuracy/synthetic.ts";

const { values } = parseArgs({
  options: {
    palms: { type: "string", default: "300" },
    samples: { type: "string", default: "6" },
    thresholds: { type: "boolean", default: false },
    images: { type: "string" },
    photos: { type: "boolean", default: false },
    det: { type: "string" },
  },
});

if (values.images === undefined) {
  reportSynthetic(Number(values.palms), Number(values.samples), values.thresholds);
} else {
  await reportImages(values.images, { photos: values.photos, det: values.det });
}
