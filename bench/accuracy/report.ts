/** Prints what the engine does on the pictures of a set. */
import { writeFile } from "node:fs/promises";
import { countVotes, decodeTemplate } from "../../functions/src/palm/codec.ts";
import {
  decide,
  decideClaim,
  decodeImage,
  Gallery,
  MARGIN,
  MIN_QUALITY,
  minVotes,
  PALM_CODE,
  type ProbeKind,
  searchThreshold,
  TARGET_FPIR,
} from "../../functions/src/palm/index.ts";
import { type Chance, newChance } from "../../test/support/chance.ts";
import { masterPalm } from "../../test/support/masterPalm.ts";
import { detCurve } from "./det.ts";
import { DISTURBANCES } from "./disturb.ts";
import {
  type EnrolledPalm,
  enroll,
  enrolledPairs,
  fusedPairs,
  newPhotoReader,
  readSamples,
  type Sample,
  singlePairs,
  toSample,
} from "./images.ts";
import { equalErrorRate, fnmrAt, percent, rate, type Scores, sorted, tailAt } from "./rates.ts";

/** How many random galleries an open set is measured with, and how large they are. */
const ROUNDS = 10;
const SIZES = [10, 30, 100, 300, 1000];
/** How many pictures of each palm are disturbed. */
const DISTURBED = 3;
/** Master palms: of so many strangers, with so many voting cells. */
const STRANGERS = [25, 50, 100, 200];
const CELLS = [500, 600, 700, 800, 850, 900, 1000, 1024];

interface Probe {
  template: Uint8Array;
  poses?: Uint8Array[];
  votes: number;
}

const policyOf = (gallery_size: number, compared = gallery_size, probe: ProbeKind = "single") => ({
  margin: MARGIN,
  threshold: searchThreshold({ format: PALM_CODE, probe, target_fpir: TARGET_FPIR, gallery_size, compared }),
});

function galleryOf(palms: readonly EnrolledPalm[]): Gallery {
  const gallery = new Gallery({ format: PALM_CODE });
  for (const { palm, template } of palms) {
    gallery.add({ palm_id: palm, member_id: palm, project_id: null, hand: "unknown", template });
  }
  return gallery;
}

/** Decides as identify does. @returns the palm; undefined for `no_match`, null for `poor_quality` */
function identify(gallery: Gallery, { template, poses, votes }: Probe): string | undefined | null {
  if (votes < minVotes("single", gallery.size)) return null;
  return decide(gallery.search(template, { poses }), policyOf(gallery.size)).candidate?.palm_id;
}

/** Decides as verify does. @returns whether the probe is accepted as `palm` */
function verify(gallery: Gallery, palm: string, { template, poses, votes }: Probe, random: Chance): boolean {
  const result = gallery.compareClaim(template, [palm], { poses, random });
  const compared = 1 + result.others.count;
  if (votes < minVotes("single", compared)) return false;
  return decideClaim(result, policyOf(1, compared)) !== undefined;
}

const pad = (cells: readonly unknown[], width = 20) =>
  cells.map((cell) => `${cell}`.padStart(width)).join("");

function reportPairs(name: string, scores: Scores): void {
  const { mated, nonMated } = scores;
  const missed = (fmr: number) => rate(Math.round(fnmrAt(scores, fmr) * mated.length), mated.length);
  const tail = [1, 2, 3, 4, 5].map((decades) => tailAt(scores, decades)?.toFixed(3) ?? "–");
  console.log(`\n${name}: ${mated.length} mated pairs, ${nonMated.length} non-mated`);
  console.log(`  EER ${percent(equalErrorRate(scores))}`);
  console.log(
    `  FNMR at FMR 1e-2 ${missed(1e-2)}, 1e-3 ${missed(1e-3)}, 1e-4 ${missed(1e-4)}, 0 ${missed(0)}`,
  );
  console.log(
    `  one non-mated pair in 10, 100 … reaches ${tail.join(", ")}; the highest ${nonMated.at(-1)?.toFixed(3)}`,
  );
}

/** Enrolls random palms and searches with all pictures: theirs, and those of the other palms. */
function reportOpenSet(palms: readonly EnrolledPalm[], chance: Chance): void {
  console.log("\nopen set at the policy's own threshold, FPIR 0.1 % asked");
  console.log(pad(["palms", "threshold"], 12) + pad(["FPIR", "FNIR", "wrong palm"], 28));
  const sizes = [...SIZES.filter((size) => size < palms.length), palms.length - 1];
  for (const size of new Set(sizes)) {
    const count = { strangers: 0, fp: 0, mates: 0, fn: 0, wrong: 0 };
    // The largest gallery lacks one palm, each once: then every picture is a stranger's once.
    const rounds = size === palms.length - 1 ? palms.length : ROUNDS;
    for (let round = 0; round < rounds; round++) {
      const order = size === palms.length - 1 ? leaveOut(palms, round) : shuffle(palms, chance);
      const gallery = galleryOf(order.slice(0, size));
      for (const [place, { palm, later }] of order.entries()) {
        const enrolled = place < size;
        if (enrolled && size === palms.length - 1 && round > 0) continue;
        for (const sample of later) {
          const found = identify(gallery, sample);
          count[enrolled ? "mates" : "strangers"]++;
          if (!enrolled && typeof found === "string") count.fp++;
          if (enrolled && found !== palm) count.fn++;
          if (enrolled && typeof found === "string" && found !== palm) count.wrong++;
        }
      }
    }
    const cells = [
      rate(count.fp, count.strangers),
      rate(count.fn, count.mates),
      `${count.wrong} of ${count.mates}`,
    ];
    console.log(pad([size, policyOf(size).threshold.toFixed(2)], 12) + pad(cells, 28));
  }
}

const leaveOut = <T>(items: readonly T[], place: number): T[] => [
  ...items.toSpliced(place, 1),
  items[place] as T,
];

function shuffle<T>(items: readonly T[], chance: Chance): T[] {
  return items
    .map((item) => ({ item, at: chance() }))
    .sort((a, b) => a.at - b.at)
    .map(({ item }) => item);
}

/** What verify refuses when pictures are disturbed. */
function reportDisturbances(palms: readonly EnrolledPalm[], chance: Chance): void {
  console.log("\nmates refused by verify when the picture is disturbed, of which as poor quality");
  const gallery = galleryOf(palms);
  for (const [name, disturb] of Object.entries(DISTURBANCES)) {
    const count = { all: 0, refused: 0, poor: 0 };
    for (const { palm, later } of palms) {
      for (const sample of later.slice(0, DISTURBED)) {
        const disturbed = toSample(sample, disturb(sample.image));
        count.all++;
        if (disturbed.quality < MIN_QUALITY || disturbed.votes < minVotes("single", palms.length)) {
          count.poor++;
          count.refused++;
        } else if (!verify(gallery, palm, disturbed, chance)) count.refused++;
      }
    }
    console.log(
      `  ${name.padEnd(24)}${rate(count.refused, count.all).padStart(24)}${pad([percent(count.poor / count.all)])}`,
    );
  }
}

/** Master palms of other palms than those that are attacked: two halves of the set, each attacked by the other. */
function reportAttacks(samples: readonly Sample[], palms: readonly EnrolledPalm[], chance: Chance): void {
  console.log(
    "\nforged palms: members accepted by verify, galleries opened by identify; as they are sent, and without",
  );
  console.log("the least number of votes (in brackets)");
  const halves = [palms.filter((_, i) => i % 2 === 0), palms.filter((_, i) => i % 2 === 1)];
  for (const strangers of STRANGERS) {
    if (strangers > samples.length / 2) continue;
    for (const cells of CELLS) {
      const verified = { all: 0, accepted: 0, unlimited: 0 };
      const identified = { all: 0, accepted: 0, unlimited: 0 };
      for (const [half, attacked] of halves.entries()) {
        const others = new Set(halves[1 - half]?.map(({ palm }) => palm));
        const known = shuffle(samples, chance).filter(({ palm }) => others.has(palm));
        const codes = known.slice(0, strangers).map(({ planes }) => planes);
        const template = masterPalm(codes, cells);
        const votes = countVotes(decodeTemplate(template).planes);
        const gallery = galleryOf(attacked);
        for (const { palm } of attacked) {
          verified.all++;
          if (verify(gallery, palm, { template, votes }, chance)) verified.accepted++;
          if (verify(gallery, palm, { template, votes: 1024 }, chance)) verified.unlimited++;
        }
        identified.all++;
        if (typeof identify(gallery, { template, votes }) === "string") identified.accepted++;
        if (typeof identify(gallery, { template, votes: 1024 }) === "string") identified.unlimited++;
      }
      const cell = ({ all, accepted, unlimited }: typeof verified) =>
        `${accepted} of ${all} (${unlimited})`.padStart(20);
      console.log(`  ${strangers} strangers, ${cells} cells`.padEnd(32) + cell(verified) + cell(identified));
    }
  }
}

/**
 * Reports on a set: see bench/accuracy.ts for its form.
 * @param options.photos whether the pictures are photographs of whole hands
 * @param options.det where a DET curve is written, if it is wanted
 */
export async function reportImages(
  path: string,
  { photos, det }: { photos: boolean; det?: string | undefined },
): Promise<void> {
  const chance = newChance(1);
  const { samples, refused, pictures } = await readSamples(
    path,
    photos ? await newPhotoReader() : decodeImage,
  );
  const { palms, refused: unlike } = enroll(samples);
  const sessions = new Set(samples.map(({ session }) => session)).size;
  const votes = samples.map((sample) => sample.votes).sort((a, b) => a - b);
  console.log(
    `${pictures} pictures of ${new Set(samples.map(({ palm }) => palm)).size} palms, ${sessions} sessions`,
  );
  for (const [reason, count] of refused) console.log(`  ${count} refused: ${reason}`);
  console.log(`  votes: least ${votes[0]}, median ${votes[votes.length >> 1]}`);
  console.log(
    `${palms.length} palms enrolled from three pictures each; refused because they do not agree: ${unlike}`,
  );

  const single = singlePairs(samples);
  const enrolled = enrolledPairs(palms);
  reportPairs("single pictures", single);
  reportPairs("a picture with an enrolled palm", enrolled);
  const fused = sorted(fusedPairs(palms));
  const tail = [1, 2, 3, 4].map((decades) => tailAt({ nonMated: fused }, decades)?.toFixed(3) ?? "–");
  console.log(`\nenrolled palms of different people: one pair in 10, 100 … reaches ${tail.join(", ")}`);
  reportOpenSet(palms, chance);
  reportDisturbances(palms, chance);
  reportAttacks(samples, palms, chance);
  if (det !== undefined)
    await writeFile(det, detCurve({ "single pictures": single, "three enrolled": enrolled }));
}
