import type * as z from "zod";

/**
 * What the API says of a fault for which a schema has no message of its own: each states what is expected.
 * @see https://zod.dev/error-customization for the order in which messages are asked
 */
export function messageOf(issue: z.core.$ZodRawIssue): string {
  switch (issue.code) {
    case "invalid_type":
      return issue.input === undefined ? "is required" : `must be ${TYPES[issue.expected] ?? issue.expected}`;
    case "invalid_value":
      return `must be ${oneOf(issue.values)}`;
    case "too_small":
      return `must ${boundOf(issue.origin, issue.inclusive === false ? "more than" : "at least", issue.minimum)}`;
    case "too_big":
      return `must ${boundOf(issue.origin, issue.inclusive === false ? "less than" : "at most", issue.maximum)}`;
    case "invalid_format":
      return `must be ${issue.format === "regex" ? `text that matches ${issue.pattern}` : `a valid ${issue.format}`}`;
    case "not_multiple_of":
      return `must be a multiple of ${issue.divisor}`;
    case "unrecognized_keys":
      return "is not known here";
    case "invalid_key":
      return "has a key that is not allowed";
    case "invalid_element":
      return "has an item that is not allowed";
    case "invalid_union":
      return "must have one of the documented forms";
    default:
      return "must be as documented";
  }
}

const TYPES: Readonly<Record<string, string>> = {
  string: "a string",
  number: "a number",
  int: "a whole number",
  boolean: "true or false",
  object: "an object",
  record: "an object",
  array: "an array",
  null: "null",
};

const oneOf = (values: readonly unknown[]): string => {
  const listed = values.map((value) => JSON.stringify(value)).join(", ");
  return values.length === 1 ? listed : `one of ${listed}`;
};

const UNITS: Readonly<Record<string, string>> = { string: "characters", array: "items" };

const boundOf = (origin: string, how: string, bound: number | bigint): string =>
  UNITS[origin] ? `have ${how} ${bound} ${UNITS[origin]}` : `be ${how} ${bound}`;
