import { extractTemplate } from "../../../functions/src/palm/index.ts";
import { encodePng, pngChunk, syntheticPalm } from "../palms.ts";

/** A sample as a request has it. */
type Bad = { image: string } | { photo: string } | { template: string };

const base64 = (bytes: Uint8Array) => Buffer.from(bytes).toString("base64");

let made: Bad[] | undefined;

/** Pictures and templates that are broken, too small, too large or nobody's palm: always the same. */
export function badPictures(): readonly Bad[] {
  made ??= [
    ...pictures().flatMap((image) => [{ image }, { photo: image }]),
    { photo: base64(Buffer.alloc(8 * 1024 * 1024 + 1, 1)) },
    ...templates().map((template) => ({ template })),
  ];
  return made;
}

function pictures(): string[] {
  const palm = syntheticPalm({ seed: 999_983 });
  const png = encodePng(palm);
  const grey = (width: number, height: number) =>
    encodePng({ width, height, gray: new Uint8Array(width * height).fill(128) });
  const flipped = Uint8Array.from(png, (byte, at) => (at === 5000 ? byte ^ 1 : byte));
  const signature = png.subarray(0, 8);
  const header = png.subarray(16, 29);
  const withHeader = (change: (bytes: Uint8Array) => void) => {
    const bytes = Uint8Array.from(header);
    change(bytes);
    return Buffer.concat([signature, pngChunk("IHDR", bytes), png.subarray(33)]);
  };
  const huge = withHeader((bytes) => new DataView(bytes.buffer).setUint32(0, 0x7fffffff));
  const jpeg = Buffer.from([
    0xff,
    0xd8,
    0xff,
    0xe0,
    0,
    16,
    ...Buffer.from("JFIF\0"),
    1,
    1,
    0,
    0,
    1,
    0,
    1,
    0,
    0,
  ]);
  const frame = Buffer.from([0xff, 0xc0, 0, 11, 8, 0, 144, 0, 144, 1, 1, 0x11, 0]);
  const bmp = Buffer.alloc(54 + 144 * 144 * 3);
  bmp.write("BM");
  for (const [at, value] of [
    [2, bmp.length],
    [10, 54],
    [14, 40],
    [18, 144],
    [22, 144],
  ] as const)
    bmp.writeUInt32LE(value, at);
  bmp.writeUInt16LE(1, 26);
  bmp.writeUInt16LE(24, 28);
  const oddBmp = Buffer.from(bmp);
  oddBmp.writeInt32LE(-2147483648, 22);
  const noise = Uint8Array.from({ length: 144 * 144 }, (_, at) => (at * 2_654_435_761) >>> 24);
  return [
    ...[png.subarray(0, 100), png.subarray(0, -20), flipped, grey(95, 144), grey(1025, 96), grey(96, 1024)],
    ...[grey(144, 144), encodePng({ width: 144, height: 144, gray: noise }), huge],
    withHeader((bytes) => bytes.fill(7, 8, 9)),
    withHeader((bytes) => bytes.fill(3, 9, 10)),
    withHeader((bytes) => bytes.fill(1, 12, 13)),
    ...[jpeg, Buffer.concat([jpeg, frame]), Buffer.concat([jpeg, Buffer.from([0xff, 0xd9])]), bmp],
    ...[
      bmp.subarray(0, 1000),
      oddBmp,
      Buffer.from("GIF89a"),
      Buffer.from("not a picture"),
      Buffer.alloc(1024 * 1024 + 1, 1),
    ],
    signature,
  ]
    .map(base64)
    .concat([
      "",
      "=",
      "a",
      "ab",
      "abc=",
      "data:image/png;base64,AAAA",
      "AAAA\nAAAA",
      "A_-A",
      "AAA=AAAA",
      "AB==",
    ]);
}

function templates(): string[] {
  const { template } = extractTemplate(syntheticPalm({ seed: 999_979 }), { hand: "unknown" });
  const bent = (at: number, bits: number) =>
    Uint8Array.from(template, (byte, index) => (index === at ? byte ^ bits : byte));
  return [
    ...[
      template,
      template.subarray(0, -1),
      template.subarray(0, 10),
      Buffer.concat([template, Buffer.alloc(1)]),
    ],
    ...[0, 1, 2, 3, 4, 5, 6, 7, 8, 12, 16, 100, template.length - 1].map((at) => bent(at, 0x80)),
    ...[4, 5, 6, 7, 8].map((at) => bent(at, 1)),
    ...[new Uint8Array(template.length), new Uint8Array(template.length).fill(255), Buffer.from("{}")],
  ].map(base64);
}
