import assert from "node:assert/strict";
import { addressesOf } from "../../../functions/src/http/ratelimit.ts";

/** What a request says, how many proxies are ours, and where it comes from. */
const CASES: [
  what: string,
  forwarded: string | undefined,
  proxies: number,
  client: string,
  nearest: string,
][] = [
  ["Hosting's two proxies", "203.0.113.7, 198.51.100.1", 2, "203.0.113.7", "198.51.100.1"],
  ["a made-up header through Hosting", "1.1.1.1,203.0.113.7, 198.51.100.1", 2, "203.0.113.7", "198.51.100.1"],
  ["a function's own URL", "203.0.113.7", 1, "203.0.113.7", "203.0.113.7"],
  ["a made-up header there", "1.1.1.1, 2.2.2.2, 203.0.113.7", 1, "203.0.113.7", "203.0.113.7"],
  ["a function behind Hosting, by its own URL", "203.0.113.7", 2, "203.0.113.7", "203.0.113.7"],
  ["a made-up header there, too", "1.1.1.1, 203.0.113.7", 2, "1.1.1.1", "203.0.113.7"],
  ["a made-up header that is no address", "me, 203.0.113.7", 2, "203.0.113.7", "203.0.113.7"],
  ["an empty one", ", 203.0.113.7", 2, "203.0.113.7", "203.0.113.7"],
  ["no header", undefined, 2, "127.0.0.9", "127.0.0.9"],
  ["no proxy of ours, as in the suite", "203.0.113.7, 198.51.100.1", 0, "127.0.0.9", "127.0.0.9"],
  ["IPv6 by its network", "2001:db8:1:2:aaaa::1", 1, "2001:db8:1:2::/64", "2001:db8:1:2::/64"],
  ["the same network", "2001:DB8:1:2::ffff", 1, "2001:db8:1:2::/64", "2001:db8:1:2::/64"],
  ["another network", "2001:db8:1:3::1", 1, "2001:db8:1:3::/64", "2001:db8:1:3::/64"],
  ["IPv4 in IPv6", "::ffff:203.0.113.7", 1, "203.0.113.7", "203.0.113.7"],
  ["nothing that is an address", "unknown", 1, "unknown", "unknown"],
];

describe("Where a request comes from", () => {
  for (const [what, forwarded, proxies, client, nearest] of CASES) {
    it(`is told for ${what}`, () => {
      assert.deepEqual(addressesOf(forwarded, "127.0.0.9", proxies), { client, nearest });
    });
  }

  it("is the connection's other end in the suite, written as IPv6 or not", () => {
    assert.equal(addressesOf(undefined, "::ffff:127.0.0.1", 0).client, "127.0.0.1");
    assert.equal(addressesOf(undefined, undefined, 0).client, "unknown");
  });
});
