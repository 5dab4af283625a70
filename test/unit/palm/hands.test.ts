import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { compareTemplates, extractTemplate } from "../../../functions/src/palm/index.ts";
import {
  CHECKED_HANDS,
  cutRegion,
  type HandOptions,
  notAHand,
  OTHER_KINDS,
  renderHand,
} from "../../support/hands.ts";
import { syntheticPalm } from "../../support/palms.ts";

const SMALL = { width: 192, height: 256 };

describe("renderHand", () => {
  it("gives the same pixels on every machine", () => {
    const hash = createHash("sha256");
    hash.update(renderHand({ palmSeed: 1, ...SMALL }).rgb);
    hash.update(renderHand({ palmSeed: 2, poseSeed: 5, hand: "right", turn: 100, skin: 9, ...SMALL }).rgb);
    assert.equal(hash.digest("hex"), "43387cfc70816527077447eac6a1c282f27a8d6c0baf17b1af714074aafe5728");
  });

  it("shows the palm that syntheticPalm shows, with the region at the landmarks", () => {
    const template = (image: Parameters<typeof extractTemplate>[0]) =>
      extractTemplate(image, { hand: "unknown" }).template;
    for (const hand of ["left", "right"] as const) {
      const seeds = [1, 2, 3];
      const regions = seeds.map((palmSeed) => {
        const photo = renderHand({ palmSeed, hand, turn: 40 * palmSeed, width: 360, height: 480 });
        return template(cutRegion(photo, photo.region));
      });
      const palms = seeds.map((seed) => template(syntheticPalm({ seed, hand })));
      regions.forEach((region, i) => {
        const scores = palms.map((palm) => compareTemplates(region, palm));
        const mate = scores[i] as number;
        const strangers = scores.filter((_, j) => j !== i);
        assert.ok(mate > 0.68 && mate > Math.max(...strangers) + 0.02, `${hand} ${i}: ${scores.join(", ")}`);
      });
    }
  });

  it("puts 21 landmarks into the picture, and turns them clockwise", () => {
    const upAt = (turn: number, options: Partial<HandOptions> = {}) => {
      const { landmarks, region } = renderHand({ palmSeed: 3, turn, ...SMALL, ...options });
      assert.equal(landmarks.length, 21);
      for (const [x, y] of landmarks) assert.ok(x >= 0 && y >= 0 && x < SMALL.width && y < SMALL.height);
      return region.up;
    };
    assert.ok(upAt(0)[1] < -0.9);
    assert.ok(upAt(90)[0] > 0.9);
    assert.ok(upAt(180)[1] > 0.9);
  });

  it("has the thumb on the left of a left palm, and on the right of a right one", () => {
    for (const hand of ["left", "right"] as const) {
      const { landmarks } = renderHand({ palmSeed: 4, hand, ...SMALL });
      const [thumb = [0, 0], little = [0, 0]] = [landmarks[2], landmarks[17]];
      assert.equal(thumb[0] < little[0], hand === "left");
    }
  });

  it("changes only what an option names", () => {
    const photo = (options: Partial<HandOptions>) => renderHand({ palmSeed: 5, ...SMALL, ...options });
    const plain = photo({});
    for (const options of [{ skin: 2 }, { light: "dim" }, { background: "wood" }] as const) {
      const other = photo(options);
      assert.deepEqual(other.landmarks, plain.landmarks);
      assert.notDeepEqual(other.rgb, plain.rgb);
    }
    const brightness = (skin: number) => {
      const { gray } = cutRegion(photo({ skin }), plain.region);
      return gray.reduce((sum, level) => sum + level, 0) / gray.length;
    };
    assert.ok(brightness(1) > brightness(10) + 20);
  });
});

describe("notAHand", () => {
  it("gives the same pixels on every machine, unlike ones for each kind and seed", () => {
    const hash = createHash("sha256");
    const tiny = { width: 96, height: 128 };
    const pictures = OTHER_KINDS.flatMap((kind) => [
      notAHand(kind, 1, tiny).rgb,
      notAHand(kind, 2, { ...tiny, turn: 30 }).rgb,
    ]);
    for (const rgb of pictures) hash.update(rgb);
    assert.equal(new Set(pictures.map((rgb) => rgb.join())).size, pictures.length);
    assert.equal(hash.digest("hex"), "76faf65ad9034be7293f7aa0a6e5b0767581030769b91e08f9653b2e1d70a9cf");
  });
});

describe("CHECKED_HANDS", () => {
  it("has left and right hands of light, medium and dark skin, each palm once", () => {
    for (const hand of ["left", "right"]) {
      const skins = CHECKED_HANDS.filter((checked) => checked.hand === hand).map(({ skin }) => skin);
      assert.ok(Math.min(...skins) <= 3 && Math.max(...skins) >= 8, `${hand}: ${skins.join(", ")}`);
      assert.ok(skins.some((skin) => skin > 3 && skin < 8));
    }
    assert.equal(new Set(CHECKED_HANDS.map(({ palmSeed }) => palmSeed)).size, CHECKED_HANDS.length);
  });
});
