import * as z from "zod";

/** A UUID in lower case. */
export const uuid = z
  .string()
  .regex(/^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/, "is no lower-case UUID")
  .meta({ format: "uuid" });

/** RFC 3339 in UTC with milliseconds. */
export const time = z.iso.datetime({ precision: 3 });

export const toTime = (date: Date): string => date.toISOString();
export const toTimeOrNull = (date: Date | null): string | null => date && toTime(date);

const CONTROL = /\p{Cc}/u;

/**
 * Unicode's bidirectional controls (UAX 9): they make text read as something else than it is. Other format characters
 * stay: joiners are part of words in several scripts and of emoji, tags of flags.
 */
const BIDI = /[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/;
const NO_BIDI = "\\u061c\\u200e\\u200f\\u202a-\\u202e\\u2066-\\u2069";

type Check = (value: string, fault: (message: string) => void) => void;

/** Text of `min`..`max` characters (code points, as JSON Schema counts them) that passes a check. */
const checked = ({ min = 1, max, pattern }: { min?: 0 | 1; max: number; pattern: string }, check: Check) =>
  z
    .string()
    .superRefine((value, context) => {
      const fault = (message: string) => context.addIssue({ code: "custom", message });
      if (value.length < min) fault("is empty");
      else if ([...value].length > max) fault(`is longer than ${max} characters`);
      if (CONTROL.test(value)) fault("contains a control character");
      if (!value.isWellFormed()) fault("contains half a surrogate pair");
      check(value, fault);
    })
    .meta({ minLength: min, maxLength: max, pattern });

/** One line of text of 1..`max` characters; of 0..`max` where `min` is 0. */
export const text = (max: number, { min = 1 }: { min?: 0 | 1 } = {}) =>
  checked({ min, max, pattern: `^[^\\p{Cc}\\p{Cs}${NO_BIDI}]*$` }, (value, fault) => {
    if (BIDI.test(value)) fault("must not contain bidirectional control characters (U+202E and the like)");
  });

/** Text that is looked for: also what no new field may contain, since older ones do. */
export const searchText = (max: number) => checked({ max, pattern: "^[^\\p{Cc}\\p{Cs}]*$" }, () => undefined);

const INVISIBLE = "\\p{Cc}\\p{Cf}\\p{Cs}";

/** A customer's own id of something: equal ids look equal. Becomes Unicode's NFC. */
export const externalId = (max: number) =>
  checked(
    { max, pattern: `^[^\\p{Z}${INVISIBLE}]([^${INVISIBLE}]*[^\\p{Z}${INVISIBLE}])?$` },
    (value, fault) => {
      if (value.trim() !== value) fault("must not begin or end with white space");
      if (/\p{Cf}/u.test(value))
        fault("must not contain format characters, which are invisible (Unicode Cf)");
      if ([...value].length <= max && [...value.normalize("NFC")].length > max) {
        fault(`must have at most ${max} characters in Unicode's NFC`);
      }
    },
  ).transform((value) => value.normalize("NFC"));

/** For how long what is rotated goes on working: up to 7 days, a day unless given. */
export const graceSeconds = z.int().min(0).max(604_800).default(86_400);

/** For how long a poll waits for news, in seconds. */
export const waitSeconds = z.int().min(0).max(25).default(0).meta({ description: "Seconds." });

/** The body of a PATCH: some of these fields, one at least. */
export const patchOf = <Fields extends z.ZodRawShape>(id: string, fields: Fields) =>
  z
    .strictObject(fields)
    .refine((body) => Object.keys(body).length > 0, {
      error: "names nothing to change",
      // A field that is not known is fault enough.
      when: ({ issues }) => issues.length === 0,
    })
    .meta({ id, minProperties: 1 });
