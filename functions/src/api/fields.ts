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

/** One line of text of 1..`max` characters (code points, as JSON Schema counts them). */
export const text = (max: number) =>
  z
    .string()
    .superRefine((value, context) => {
      const fault = (message: string) => context.addIssue({ code: "custom", message });
      if (value === "") fault("is empty");
      else if ([...value].length > max) fault(`is longer than ${max} characters`);
      if (CONTROL.test(value)) fault("contains a control character");
      if (!value.isWellFormed()) fault("contains half a surrogate pair");
    })
    .meta({ minLength: 1, maxLength: max, pattern: "^[^\\p{Cc}\\p{Cs}]*$" });

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
