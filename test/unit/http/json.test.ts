import assert from "node:assert/strict";
import * as fc from "fast-check";
import { DomainError } from "../../../functions/src/domain/errors.ts";
import { parseJson } from "../../../functions/src/http/json.ts";

const parse = (text: string): unknown => parseJson(Buffer.from(text));

/** The fault that a text is refused for. */
function faultOf(text: string): unknown {
  try {
    parse(text);
  } catch (error) {
    assert.ok(error instanceof DomainError, String(error));
    assert.equal(error.code, "invalid_request");
    return error.errors?.[0];
  }
  return undefined;
}

describe("parseJson", () => {
  it("reads any JSON text as JSON.parse does", () => {
    fc.assert(
      fc.property(fc.json({ maxDepth: 8, noUnicodeString: false }), fc.nat(3), (text, indent) => {
        const value = JSON.parse(text);
        // A random name may be __proto__.
        fc.pre(!text.includes("__proto__"));
        assert.deepEqual(parse(JSON.stringify(value, null, indent)), value);
      }),
    );
  });

  it("refuses what JSON.parse refuses", () => {
    fc.assert(
      fc.property(
        fc.json(),
        fc.nat(),
        fc.constantFrom("", '"', "{", "]", ",", ":", "\\", "x"),
        (text, at, put) => {
          const broken = text.slice(0, at % text.length) + put + text.slice((at % text.length) + 1);
          let isJson = broken === "";
          try {
            JSON.parse(broken);
            isJson = true;
          } catch {}
          // A text that is JSON may still have duplicates.
          if (!isJson) assert.notEqual(faultOf(broken), undefined);
        },
      ),
    );
  });

  it("names the place of a duplicate", () => {
    for (const [text, path] of [
      ['{"a": 1, "a": 1}', "a"],
      ['{"a": {"b": [0, {"c": 1, "d": 2, "c": 3}]}}', "a.b.1.c"],
      ['[{"a": "\\"", "b": ",", "a": 1}]', "0.a"],
      ['{"a": 1, "\\u0061": 1}', "a"],
      ['{"": 1, "": 2}', ""],
      ['{"a": {"a": 1}, "b": {"a": 1}, "a": 1}', "a"],
    ] as const) {
      assert.deepEqual(faultOf(text), { path, message: "must not be given more than once" }, text);
    }
  });

  it("takes the same name in different objects, and as a value", () => {
    const text = '{"a": {"a": "a"}, "b": [{"a": 1}, {"a": 1}, "a", "a"], "c": "a\\"a"}';
    assert.deepEqual(parse(text), JSON.parse(text));
  });

  it("refuses a name __proto__ however it is written", () => {
    for (const text of ['{"__proto__": 1}', '{"a": [{"\\u005f_proto__": 1}]}']) {
      assert.equal((faultOf(text) as { message: string }).message, "is not allowed as a name");
    }
  });

  it("stops at a body made to keep the thread busy", () => {
    const fields = (count: number) => `{${Array.from({ length: count }, (_, n) => `"f${n}":0`).join(",")}}`;
    assert.equal(faultOf(fields(4000)), undefined);
    assert.deepEqual(faultOf(fields(900_000)), { path: "", message: "must have at most 20000 tokens" });
    assert.deepEqual(faultOf(`["${"\\n".repeat(400_001)}"]`), {
      path: "",
      message: "must have at most 400000 escapes",
    });
  });

  it("does not read the long name of an outer level again for each inner one", () => {
    const inner = Array.from({ length: 6600 }, (_, n) => `"f${n}":0`).join(",");
    // 0.3 s; with a copy for each, 55 GB, it would take eight minutes.
    assert.equal(faultOf(`{"${"x".repeat(8_000_000)}":{${inner}}}`), undefined);
  });

  it("takes five pictures from an encoder that escapes slashes", () => {
    const picture = Buffer.alloc(1024 * 1024, 0xfb)
      .toString("base64")
      .replaceAll("/", "+");
    const sample = `{"image":"${picture.slice(0, -64)}${"\\/".repeat(64)}"}`;
    assert.equal(
      (parse(`{"samples":[${Array(5).fill(sample).join(",")}]}`) as { samples: unknown[] }).samples.length,
      5,
    );
  });
});
