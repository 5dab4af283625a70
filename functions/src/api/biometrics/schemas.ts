import * as z from "zod";
import type { Sample } from "../../domain/palm/sample.ts";
import { TOO_LARGE } from "../../http/input.ts";
import { uuid } from "../fields.ts";
import { hand } from "../palms.ts";

const MIB = 1024 * 1024;

/** RFC 4648 section 4: padded, canonical, no white space; becomes the bytes. */
const base64 = ({ mib }: { mib: number }) =>
  z
    .string()
    .meta({ contentEncoding: "base64" })
    .transform((value, context) => {
      // The first tells a wrong alphabet or padding, the second bits that are left over.
      const bytes =
        /^[A-Za-z0-9+/]*={0,2}$/.test(value) && value.length % 4 === 0 && Buffer.from(value, "base64");
      if (!bytes || bytes.length === 0 || bytes.toString("base64") !== value) {
        context.addIssue({ code: "custom", message: "is not base64 (RFC 4648 section 4)" });
        return z.NEVER;
      }
      if (bytes.length > mib * MIB) {
        context.addIssue({ code: "custom", message: `is larger than ${mib} MiB`, params: TOO_LARGE });
        return z.NEVER;
      }
      return new Uint8Array(bytes);
    });

/** The fields of which a sample has exactly one. */
const SOURCES = ["image", "photo", "template"] as const;

/** For documentation: what `superRefine` holds. A field that is null counts as absent. */
export const ONE_SOURCE = {
  oneOf: SOURCES.map((name) => ({ required: [name], properties: { [name]: { type: "string" } } })),
};

export const PalmSample = z
  .strictObject({
    image: base64({ mib: 1 })
      .optional()
      .meta({
        description:
          "PNG, JPEG or BMP of the palm's region of interest, 96..1024 px a side, at most 1 MiB, base64 (RFC 4648 " +
          "section 4). The EXIF orientation is applied. Not: CMYK, arithmetic, lossless or 12-bit JPEG, compressed BMP.",
      }),
    photo: base64({ mib: 8 })
      .optional()
      .meta({
        description:
          "PNG, JPEG or WebP of a whole hand, open, its palm to the camera, not mirrored; 96..4096 px a side, at most 8 " +
          "MiB, base64. 1,280 px are enough. The EXIF orientation is applied.",
      }),
    template: base64({ mib: 1 }).optional().meta({
      description: "A template in the environment's format. Refused with 400 in a global environment.",
    }),
    hand: hand.optional().meta({
      description: "Which hand it is. Enrollment takes it from a photograph where it is not given.",
    }),
    pad_score: z
      .number()
      .min(0)
      .max(1)
      .optional()
      .meta({ description: "The device's liveness score; stored with the scan." }),
  })
  .superRefine((sample, context) => {
    if (SOURCES.filter((name) => sample[name] !== undefined).length !== 1) {
      context.addIssue({
        code: "custom",
        path: ["image"],
        message: "exactly one of image, photo and template is required",
      });
    }
  })
  .meta({ id: "PalmSample", ...ONE_SOURCE });

/** A validated sample and where it stood in the request. */
export function toSample({ image, photo, ...rest }: z.infer<typeof PalmSample>, path: string): Sample {
  if (photo) return { ...rest, path, picture: { kind: "photo", bytes: photo } };
  return image ? { ...rest, path, picture: { kind: "image", bytes: image } } : { ...rest, path };
}

/** Two digits: one more is a fault of ours, and answered as one. */
const score = z.number().min(0).max(1).multipleOf(0.01).meta({ description: "Two digits." });

export const IdentificationShape = z
  .strictObject({
    scan_id: uuid,
    outcome: z.enum(["identified", "no_match"]),
    member_id: uuid.nullable(),
    score: score.nullable(),
    threshold: score,
    hand: hand.nullable(),
    searched: z.int().min(0).meta({ description: "How many palms were compared." }),
    took_ms: z.int().min(0),
  })
  .meta({ id: "Identification" });

export const VerificationShape = z
  .strictObject({
    scan_id: uuid,
    outcome: z.enum(["match", "no_match"]),
    score: score.nullable(),
    threshold: score,
    hand: hand.nullable(),
    took_ms: z.int().min(0),
  })
  .meta({ id: "Verification" });
