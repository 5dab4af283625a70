import { InvalidArgumentError } from "commander";
import { text, uuid } from "../../functions/src/api/fields.ts";
import { CreateMemberBody } from "../../functions/src/api/members/schemas.ts";
import { Kid } from "../../functions/src/data/keyring.ts";

interface Schema {
  safeParse(value: string): { success: boolean; error?: { issues: { message: string }[] } | undefined };
}

/** What a schema of the API takes, as the value of an option or argument. */
const by =
  (schema: Schema) =>
  (value: string): string => {
    const fault = schema.safeParse(value).error?.issues[0];
    if (fault) throw new InvalidArgumentError(`It ${fault.message}.`);
    return value;
  };

export const id = by(uuid);
export const kid = by(Kid);
export const name = by(text(200));
export const phoneNumber = by(CreateMemberBody.shape.phone_number);
export const email = by(CreateMemberBody.shape.email);
export const website = by(
  text(500).refine(
    (value) => /^https?:$/.test(URL.parse(value)?.protocol ?? ""),
    "is no http or https address",
  ),
);
export const projectId = by(
  text(30).refine((value) => /^[a-z][a-z0-9-]{4,28}[a-z0-9]$/.test(value), "is no id of a Firebase project"),
);

/** An e-mail address, or an id of Firebase Auth. */
export const who = by(text(254));

/** One or several of them. */
export const whos = (value: string, before: string[] = []): string[] => [...before, who(value)];

/** From 1 in a million, where the measured thresholds end, to 1 in 10. */
export function targetFpir(value: string): number {
  const share = value.trim() === "" ? NaN : Number(value);
  if (!(share >= 1e-6 && share <= 0.1))
    throw new InvalidArgumentError("It is no number from 0.000001 to 0.1.");
  return share;
}
