import assert from "node:assert/strict";
import * as fc from "fast-check";
import { isEmail } from "../../../functions/src/api/email.ts";

// Internationalized domains: reported as dcoapp/app#254 and jquery-validation/jquery-validation#1372.
describe("An e-mail address", () => {
  for (const [why, address] of [
    ["RFC 5321, 4.1.2: a dot-string", "ada.lovelace@example.com"],
    ["RFC 5322, 3.2.3: every character of atext", "!#$%&'*+-/=?^_`{|}~@example.com"],
    ["RFC 1123, 2.1: a label that begins with a digit", "ada@3com.example"],
    ["RFC 5321, 2.3.5: upper case", "Ada@EXAMPLE.COM"],
    ["RFC 5890, 2.3.2.1: a top-level domain in punycode", "ada@example.xn--p1ai"],
    ["the same in upper case", "ada@example.XN--P1AI"],
    ["RFC 3492: a domain in punycode", "ada@xn--mnchen-3ya.de"],
    ["RFC 6531, 3.3: a domain in Unicode", "ada@münchen.de"],
    ["RFC 6531, 3.3: a top-level domain in Unicode", "info@пример.рф"],
    ["RFC 6531, 3.3: a local part in Unicode", "用户@例子.中国"],
    ["RFC 5893: a domain that is written from right to left", "بريد@مثال.مصر"],
    ["RFC 5891, 5.4: ß is a letter of its own in IDNA2008", "ada@faß.de"],
    ["decomposed letters, as some systems send them", "ada@mu\u0308nchen.de"],
    ["a label that is a number, which is not an IPv4 address", "ada@163.example"],
    ["a long new top-level domain", "ada@example.photography"],
    ["RFC 5321, 4.5.3.1.1: 64 bytes before the @", `${"a".repeat(64)}@example.com`],
    ["RFC 1035, 2.3.4: a label of 63 bytes", `ada@${"a".repeat(63)}.example`],
    ["hyphens inside of a label", "ada@a--b-c.example"],
    ["a joiner that a script needs", "म्‍य@example.com"],
  ] as const) {
    it(`may be ${address.length > 40 ? `${address.slice(0, 40)}…` : address} (${why})`, () =>
      assert.equal(isEmail(address), true));
  }

  for (const [why, address] of [
    ["no @", "ada.example.com"],
    ["no local part", "@example.com"],
    ["no domain", "ada@"],
    ["two @", "ada@b@example.com"],
    ["a full-width @", "ada＠example.com"],
    ["a domain of one label", "ada@localhost"],
    ["a dot at the beginning (RFC 5321, 4.1.2)", ".ada@example.com"],
    ["a dot before the @ (RFC 5321, 4.1.2)", "ada.@example.com"],
    ["two dots (RFC 5321, 4.1.2)", "ada..l@example.com"],
    ["two dots in the domain", "ada@example..com"],
    ["a dot at the end (RFC 5321 has no root)", "ada@example.com."],
    ["a space", "ada l@example.com"],
    ["a no-break space", "ada\u00a0l@example.com"],
    ["a space around it", " ada@example.com"],
    ["a line break and a header", "ada@example.com\nBcc: eve@example.com"],
    ["a quoted local part, which we do not take", '"ada l"@example.com'],
    ["a comment (RFC 5322, of headers)", "ada(work)@example.com"],
    ["a display name (RFC 5322, of headers)", "Ada <ada@example.com>"],
    ["an IP address in brackets, which we do not take", "ada@[127.0.0.1]"],
    ["an IPv6 address in brackets", "ada@[IPv6:::1]"],
    ["an IP address", "ada@127.0.0.1"],
    ["a number as top-level domain (RFC 3696, 2)", "ada@example.123"],
    ["a top-level domain of one letter", "ada@example.c"],
    ["a hyphen at the beginning of a label (RFC 1123, 2.1)", "ada@-example.com"],
    ["a hyphen at the end of a label (RFC 1123, 2.1)", "ada@example-.com"],
    ["an underscore in the domain", "ada@exa_mple.com"],
    ["broken punycode (RFC 3492)", "ada@xn--a.com"],
    ["punycode of nothing", "ada@xn--.com"],
    ["a full-width letter, which IDNA2008 does not have", "ada@ｅxample.com"],
    ["another dot (RFC 3490 took it, RFC 5891 does not)", "ada@example。com"],
    ["an invisible character in the local part", "a\u200bda@example.com"],
    ["a bidirectional control", "a\u202eda@example.com"],
    ["an invisible character in the domain", "ada@exam\u00adple.com"],
    ["a NUL", "ada\0@example.com"],
    ["half a surrogate pair", "ada\ud800@example.com"],
    ["65 bytes before the @", `${"a".repeat(65)}@example.com`],
    ["65 bytes of Unicode before the @", `${"ü".repeat(33)}@example.com`],
    ["a label of 64 bytes", `ada@${"a".repeat(64)}.example`],
    ["a label whose punycode is longer than 63 bytes", `ada@${"ü".repeat(60)}.example`],
    ["255 bytes", `${"a".repeat(64)}@${"b".repeat(60)}.${"b".repeat(60)}.${"b".repeat(60)}.${"c".repeat(7)}`],
  ] as const) {
    it(`is not ${JSON.stringify(address.length > 40 ? `${address.slice(0, 40)}…` : address)}: ${why}`, () =>
      assert.equal(isEmail(address), false));
  }

  it("is every address that a plain mailbox and a real domain make", () => {
    const local = fc.stringMatching(/^[a-z0-9]{1,20}([.+_-][a-z0-9]{1,10})?$/);
    fc.assert(
      fc.property(local, fc.domain({ size: "small" }), (mailbox, domain) => {
        assert.equal(isEmail(`${mailbox}@${domain}`), true);
      }),
    );
  });
});
