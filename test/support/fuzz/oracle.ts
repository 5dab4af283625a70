import { Ajv2020, type ValidateFunction } from "ajv/dist/2020.js";
import addFormats from "ajv-formats";
import { type Documented, type Operation, operationsAt, type Schema, schemas } from "./document.ts";

/** A request as it was sent. */
export interface Sent {
  method: string;
  /** Encoded, without its query. */
  pathname: string;
  query: readonly (readonly [name: string, value: string])[];
  headers: Readonly<Record<string, string>>;
  /** The text of the body; `undefined` for none. */
  body: string | undefined;
}

/** An answer as it came. */
export interface Answered {
  status: number;
  headers: Headers;
  text: string;
}

/** What HTTP itself says about an answer. */
const TRANSPORT = ["content-type", "content-length", "date"];
/** What is documented of answers that no operation gives: unknown paths and methods. */
const ALWAYS = [
  "x-request-id",
  "cache-control",
  "x-content-type-options",
  "strict-transport-security",
  "content-security-policy",
];
const REQUEST_ID = /^[A-Za-z0-9._-]{1,64}$/;

const newAjv = (): Ajv2020 => {
  const ajv = new Ajv2020({ strict: true, strictRequired: false, allErrors: true, multipleOfPrecision: 6 });
  addFormats.default(ajv);
  // RFC 6531, as far as a pattern tells it.
  ajv.addFormat(
    "idn-email",
    /^[^\s\p{Cc}@"(),:;<>[\]\\]{1,64}@([^\s\p{Cc}@"(),:;<>[\]\\.]{1,63}\.)+[^\s\p{Cc}@.]{2,63}$/u,
  );
  ajv.addFormat("e164", /^\+[1-9]\d{6,14}$/);
  ajv.addSchema(external({ $id: "components", $defs: schemas } as Schema));
  return ajv;
};

/** The same schema, its references leading to where the validator has them. */
const external = (schema: Schema): object =>
  JSON.parse(JSON.stringify(schema).replaceAll('"#/components/schemas/', '"components#/$defs/'));

const validator = newAjv();
const compiled = new Map<Schema, ValidateFunction>();

/** What of the value is not as the schema says; empty for nothing. */
export function faultsOf(schema: Schema, value: unknown): string {
  const validate = compiled.get(schema) ?? validator.compile(external(schema));
  compiled.set(schema, validate);
  return validate(value) ? "" : validator.errorsText(validate.errors);
}

/** The operation that the request is one of, if any. HEAD is GET's. */
export const operationOf = ({ method, pathname }: Pick<Sent, "method" | "pathname">): Operation | undefined =>
  operationsAt(pathname).get(method === "HEAD" ? "GET" : method);

/**
 * Holds an answer to the document.
 * @param secret what no answer may tell: ids of others
 * @returns what is not as documented, in words; empty when all is
 */
export function judge(sent: Sent, answered: Answered, secret: readonly string[]): string[] {
  const { status, text } = answered;
  const operation = operationOf(sent);
  const faults: string[] = [];
  if (status >= 500) faults.push(`answers ${status}`);
  const json = jsonOf(answered, faults);
  const response = operation ? operation.responses[status] : unknownPlace(sent, answered, json, faults);
  if (!response) faults.push(`${status} is not documented: ${text.slice(0, 300)}`);
  else {
    judgeHeaders(response, answered.headers, faults);
    judgeBody(sent, response, answered, json, faults);
  }
  if (status >= 400) judgeProblem(sent, answered, json, faults);
  const id = answered.headers.get("x-request-id") ?? "";
  const asked = sent.headers["X-Request-Id"];
  if (asked !== undefined && REQUEST_ID.test(asked) && asked !== id)
    faults.push("it has another X-Request-Id");
  for (const one of secret) if (text.includes(one)) faults.push(`it tells of somebody else's ${one}`);
  if (
    /\bat .*\.[jt]s:\d+|node_modules|FirebaseError|Firestore\b|(projects|organizations)\/[0-9a-f]{8}-/.test(
      text,
    )
  ) {
    if (operation?.id !== "openapi") faults.push(`it tells of the inside: ${text.slice(0, 300)}`);
  }
  if (operation && status < 300) faults.push(...acceptance(operation, sent));
  return faults;
}

function jsonOf({ headers, text }: Answered, faults: string[]): unknown {
  if (!/json/.test(headers.get("content-type") ?? "") || text === "") return undefined;
  try {
    return JSON.parse(text);
  } catch {
    faults.push(`it is no JSON: ${text.slice(0, 300)}`);
    return undefined;
  }
}

/** The description of the document says it of paths and methods that it has not. */
function unknownPlace(
  { pathname }: Sent,
  { status, headers }: Answered,
  json: unknown,
  faults: string[],
): Documented | undefined {
  const known = [...operationsAt(pathname).keys()];
  const [wanted, code] = known.length > 0 ? [405, "method_not_allowed"] : [404, "not_found"];
  if (status !== wanted || (json as { code?: unknown } | undefined)?.code !== code) {
    if (json !== undefined || status !== wanted) return undefined;
  }
  const allow = known.flatMap((method) => (method === "GET" ? ["GET", "HEAD"] : [method])).join(", ");
  if (status === 405 && headers.get("allow") !== allow) faults.push(`Allow is ${headers.get("allow")}`);
  const plain = { required: true, schema: {} };
  return {
    headers: Object.fromEntries(
      [...ALWAYS, ...(status === 405 ? ["allow"] : [])].map((name) => [name, plain]),
    ),
    content: { "application/problem+json": { schema: { $ref: "#/components/schemas/Problem" } } },
    codes: [code as string],
  };
}

function judgeHeaders(response: Documented, headers: Headers, faults: string[]): void {
  const documented = new Map(
    Object.entries(response.headers).map(([name, header]) => [name.toLowerCase(), header]),
  );
  for (const name of headers.keys()) {
    if (!documented.has(name) && !TRANSPORT.includes(name))
      faults.push(`the header ${name} is not documented`);
  }
  for (const [name, { required, schema }] of documented) {
    const value = headers.get(name);
    if (value === null) {
      if (required) faults.push(`the header ${name} is missing`);
    } else {
      const wrong = faultsOf(schema, value);
      if (wrong) faults.push(`the header ${name} is ${value}: ${wrong}`);
    }
  }
}

function judgeBody(
  { method }: Sent,
  { content }: Documented,
  { headers, text }: Answered,
  json: unknown,
  faults: string[],
): void {
  const [mediaType, charset] = (headers.get("content-type") ?? "").split(/; */);
  const known = content[mediaType ?? ""];
  if (Object.keys(content).length === 0) {
    if (text !== "" || headers.has("content-type")) faults.push("it has a body, which is not documented");
    return;
  }
  if (!known) faults.push(`${mediaType} is not documented`);
  if (mediaType !== "application/problem+json" && charset !== "charset=utf-8")
    faults.push("it names no charset");
  if (method === "HEAD") {
    if (text !== "") faults.push("an answer to HEAD has a body");
  } else if (known) {
    const wrong = faultsOf(known.schema, /json/.test(mediaType ?? "") ? json : text);
    if (wrong) faults.push(`its body is not as documented: ${wrong}: ${text.slice(0, 500)}`);
  }
}

function judgeProblem(
  { method, pathname }: Sent,
  { status, headers }: Answered,
  json: unknown,
  faults: string[],
): void {
  if (method === "HEAD" || headers.get("content-type") !== "application/problem+json") return;
  const problem = json as { status?: unknown; detail?: string; request_id?: unknown; errors?: unknown[] };
  if (problem.status !== status) faults.push("its body says another status");
  if (problem.request_id !== headers.get("x-request-id")) faults.push("its body says another request_id");
  if (status === 400 && problem.errors?.length === 0) faults.push("a 400 names no fault");
  const ids = pathname.match(/[0-9a-f]{8}-[0-9a-f-]{27}/gi) ?? [];
  for (const id of ids) if (problem.detail?.includes(id)) faults.push("its detail repeats an id");
}

/** What was done although the document forbids to ask for it. */
function acceptance(operation: Operation, { query, headers, body }: Sent): string[] {
  const faults: string[] = [];
  for (const [name, value] of query) {
    const parameter = operation.query.find((one) => one.name === name);
    if (!parameter) faults.push(`it takes the query parameter ${JSON.stringify(name)}`);
    else {
      const wrong = faultsOf(parameter.schema, parameter.schema.type === "integer" ? numberOf(value) : value);
      if (wrong) faults.push(`it takes ${name}=${value}: ${wrong}`);
    }
  }
  for (const { name, required } of operation.query) {
    if (required && !query.some(([one]) => one === name)) faults.push(`it does without ${name}`);
  }
  if (new Set(query.map(([name]) => name)).size < query.length) faults.push("it takes a parameter twice");
  const key = headers["Idempotency-Key"]?.trim();
  if (operation.idempotent && key !== undefined && !/^[ -~]{1,255}$/.test(key)) {
    faults.push("it takes such an Idempotency-Key");
  }
  if (!operation.body) return faults;
  try {
    const wrong = faultsOf(operation.body, JSON.parse(body?.replace(/^\ufeff/, "") || "{}"));
    if (wrong) faults.push(`it takes the body, which is not as documented: ${wrong}: ${body?.slice(0, 300)}`);
  } catch {
    faults.push(`it takes a body that is no JSON: ${body?.slice(0, 300)}`);
  }
  return faults;
}

const numberOf = (text: string): unknown => (/^-?\d+$/.test(text) ? Number(text) : text);
