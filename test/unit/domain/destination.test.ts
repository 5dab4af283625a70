import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import * as fc from "fast-check";
import {
  type DestinationPolicy,
  isAllowedAddress,
  literalOf,
  nameOf,
  readDestination,
} from "../../../functions/src/domain/webhook/destination.ts";

interface Case {
  url: string;
  verdict: "allow" | "deny" | "deny_by_resolution";
  group: string;
}

const POLICY: DestinationPolicy = {
  ownHosts: ["palmgate.example", "*-palmgate-live.cloudfunctions.net", " Console.Example.NET. ", ""],
  allowLocalhost: false,
  ownPorts: [],
};
const WITH_LOCALHOST: DestinationPolicy = { ...POLICY, allowLocalhost: true, ownPorts: [5000, 5001, 8080] };

/** With the placeholders replaced by what this policy's deployment has. */
const CORPUS = JSON.parse(
  readFileSync(new URL("../../data/ssrf-corpus.json", import.meta.url), "utf8")
    .replaceAll("REGION-OUR-PROJECT", "europe-west1-palmgate-live")
    .replaceAll("OUR-API-DOMAIN", "palmgate.example"),
) as Case[];

const isAllowed = (text: string, policy = POLICY) => readDestination(text, policy) !== undefined;

describe("A webhook's destination", () => {
  for (const [group, cases] of Map.groupBy(CORPUS, (each) => each.group)) {
    describe(group, () => {
      for (const { url, verdict } of cases) {
        const isOpen = verdict !== "deny";
        it(`${isOpen ? "may" : "may not"}, as its text tells, be ${JSON.stringify(url)}`, () => {
          assert.equal(isAllowed(url), isOpen);
          assert.equal(isAllowed(url, WITH_LOCALHOST), isOpen);
        });
      }
    });
  }

  it("is told in canonical form", () => {
    const told = (text: string) => readDestination(text, POLICY)?.href;
    assert.equal(told("  HTTPS://Example.COM:443/a/../b?c#d "), "https://example.com/b?c#d");
    assert.equal(told("https://bücher.example.com"), "https://xn--bcher-kva.example.com/");
    assert.equal(told("https://[2606:4700:4700:0::1111]:8443/"), "https://[2606:4700:4700::1111]:8443/");
    assert.equal(told("https://0x8.8.2056/"), "https://8.8.8.8/");
    assert.equal(told("https://example.com./"), "https://example.com./");
  });

  it("is read anew as itself, whatever the text", () => {
    const part = fc.oneof(fc.webUrl(), fc.string({ unit: "binary" }), fc.ipV4Extended(), fc.ipV6());
    const text = fc.oneof(
      part,
      part.map((host) => `https://${host}/`),
      fc.tuple(part, fc.nat(70_000), part).map(([host, port, path]) => `https://${host}:${port}/${path}`),
      fc.webUrl({ validSchemes: ["https"], withQueryParameters: true, withFragments: true }),
    );
    fc.assert(
      fc.property(text, fc.boolean(), (text, allowLocalhost) => {
        const policy = { ...WITH_LOCALHOST, allowLocalhost };
        const read = readDestination(text, policy);
        if (read === undefined) return;
        const again = readDestination(read.href, policy);
        assert.equal(again?.href, read.href);
        const literal = literalOf(read);
        assert.ok(literal === undefined ? nameOf(read).includes(".") : isAllowedAddress(literal));
      }),
      { numRuns: 2000 },
    );
  });

  it("may be on port 443, and from 1024 on where no other protocol lives", () => {
    const ports = [80, 443, 1023, 1024, 2049, 6000, 6665, 6669, 8443, 10080, 65535];
    const open = ports.filter((port) => isAllowed(`https://example.com:${port}/`));
    assert.deepEqual(open, [443, 1024, 8443, 65535]);
  });

  it("is never a host of ours", () => {
    for (const host of [
      "palmgate.example",
      "PALMGATE.example.",
      "a.b.palmgate.example",
      "us-central1-palmgate-live.cloudfunctions.net",
      "console.example.net",
      "x.console.example.net",
    ]) {
      assert.ok(!isAllowed(`https://${host}/`), host);
    }
    for (const host of [
      "notpalmgate.example",
      "palmgate.example.com",
      "palmgate-live.cloudfunctions.net",
      "us-central1-palmgate-lively.cloudfunctions.net",
      "us-central1-palmgate-live.cloudfunctions.net.example.com",
    ]) {
      assert.ok(isAllowed(`https://${host}/`), host);
    }
    assert.ok(!isAllowed("https://8.8.8.8/", { ...POLICY, ownHosts: ["8.8.8.8"] }));
  });

  it("may have user info in no form that says anything", () => {
    for (const info of ["u", "u:p", ":p", "%00", "u%40v"])
      assert.ok(!isAllowed(`https://${info}@example.com/`));
  });

  describe("when localhost is allowed", () => {
    const allowed = ["http://localhost:1024", "http://localhost:65535/", "http://localhost:3000/a?b#c"];
    for (const text of [...allowed, "http://localhost:3000?a", "http://localhost:3000#a"]) {
      it(`may be ${text}`, () => {
        const { href } = readDestination(text, WITH_LOCALHOST) ?? assert.fail();
        assert.equal(readDestination(href, WITH_LOCALHOST)?.href, href);
        assert.ok(!isAllowed(text));
      });
    }

    for (const text of [
      "http://localhost",
      "http://localhost:80/",
      "http://localhost:1023/",
      "http://localhost:5001/",
      "http://localhost:8080/",
      "http://localhost:08081/",
      "http://localhost:65536/",
      "http://localhost:6000/",
      "http://localhost:3000\\@example.com/",
      "http://localhost:3000@example.com/",
      "http://localhost:3000\t",
      "http://localhost:30\n00/",
      " http://localhost:3000/",
      "HTTP://localhost:3000/",
      "http:localhost:3000/",
      "http:\\\\localhost:3000/",
      "http://LOCALHOST:3000/",
      "http://localhost.:3000/",
      "http://%6cocalhost:3000/",
      "http://ⓛocalhost:3000/",
      "http://x.localhost:3000/",
      "http://localhost.example.com:3000/",
      "http://u@localhost:3000/",
      "http://u:p@localhost:3000/",
      "http://@localhost:3000/",
      "http://127.0.0.1:3000/",
      "http://127.1:3000/",
      "http://[::1]:3000/",
      "http://0.0.0.0:3000/",
      "http://example.com:3000/",
      "https://localhost:3000/",
      "https://127.0.0.1:3000/",
      "ws://localhost:3000/",
    ]) {
      it(`may not be ${JSON.stringify(text)}`, () => assert.ok(!isAllowed(text, WITH_LOCALHOST)));
    }
  });
});

/** IANA's special-purpose registry and multicast, Azure's platform and Google's addresses, as first and last. */
const CLOSED_IPV4 = [
  ["0.0.0.0", "0.255.255.255"],
  ["10.0.0.0", "10.255.255.255"],
  ["100.64.0.0", "100.127.255.255"],
  ["127.0.0.0", "127.255.255.255"],
  ["168.63.129.16", "168.63.129.16"],
  ["169.254.0.0", "169.254.255.255"],
  ["172.16.0.0", "172.31.255.255"],
  ["192.0.0.0", "192.0.0.255"],
  ["192.0.2.0", "192.0.2.255"],
  ["192.88.99.0", "192.88.99.255"],
  ["192.168.0.0", "192.168.255.255"],
  ["198.18.0.0", "198.19.255.255"],
  ["198.51.100.0", "198.51.100.255"],
  ["199.36.153.0", "199.36.153.255"],
  ["203.0.113.0", "203.0.113.255"],
  ["224.0.0.0", "255.255.255.255"],
].map((ends) => ends.map(numberOf) as [number, number]);

function numberOf(address: string): number {
  return address.split(".").reduce((sum, octet) => sum * 256 + Number(octet), 0);
}

const octetsOf = (address: number) => [24, 16, 8, 0].map((shift) => (address >>> shift) & 0xff);
const dotted = (address: number) => octetsOf(address).join(".");
const closedIpv4 = fc.constantFrom(...CLOSED_IPV4).chain(([min, max]) => fc.integer({ min, max }));
const anyIpv4 = fc.integer({ min: 0, max: 2 ** 32 - 1 });
const groups = (count: number) => fc.array(fc.nat(0xffff), { minLength: count, maxLength: count });
const hex = (parts: readonly number[]) => parts.map((part) => part.toString(16)).join(":");

/** One of the many ways to write an IPv4 address that browsers fold into one. */
const spelled = (address: number) => {
  const radix = fc.constantFrom(
    (part: number) => String(part),
    (part: number) => `0x${part.toString(16)}`,
    (part: number) => `0X000${part.toString(16).toUpperCase()}`,
    (part: number) => `0${part.toString(8)}`,
  );
  const disguise = fc.constantFrom(
    (text: string) => text,
    (text: string) => `${text}.`,
    (text: string) => encodeURIComponent(text).replaceAll(".", "%2e"),
    (text: string) => [...text].map((c) => `%${c.charCodeAt(0).toString(16)}`).join(""),
    (text: string) => text.replace(/[!-~]/g, (c) => String.fromCharCode(c.charCodeAt(0) + 0xfee0)),
    (text: string) => text.replaceAll(".", "。"),
  );
  return fc
    .tuple(fc.integer({ min: 1, max: 4 }), fc.array(radix, { minLength: 4, maxLength: 4 }), disguise)
    .map(([count, write, hide]) => {
      const octets = octetsOf(address);
      const last = octets.slice(count - 1).reduce((sum, octet) => sum * 256 + octet, 0);
      return hide([...octets.slice(0, count - 1), last].map((part, i) => write[i]?.(part)).join("."));
    });
};

describe("An address", () => {
  it("outside of the public Internet passes in no spelling", () => {
    fc.assert(
      fc.property(
        closedIpv4.chain((address) => fc.tuple(fc.constant(address), spelled(address))),
        ([address, text]) => {
          assert.equal(new URL(`https://${text}/`).hostname, dotted(address));
          assert.ok(!isAllowedAddress(dotted(address)));
          assert.ok(!isAllowed(`https://${text}/`));
        },
      ),
      { numRuns: 2000 },
    );
  });

  it("just beside passes, in every spelling", () => {
    const edges = CLOSED_IPV4.flatMap(([first, last]) => [first - 1, last + 1]).filter(
      (edge) =>
        edge > 0 && edge < 2 ** 32 && !CLOSED_IPV4.some(([first, last]) => edge >= first && edge <= last),
    );
    fc.assert(
      fc.property(
        fc.constantFrom(...edges).chain((edge) => fc.tuple(fc.constant(edge), spelled(edge))),
        ([edge, text]) => assert.equal(readDestination(`https://${text}/`, POLICY)?.hostname, dotted(edge)),
      ),
    );
  });

  it("of IPv4 passes in no IPv6 address", () => {
    const embedded = fc
      .tuple(anyIpv4, groups(4), fc.constantFrom(0, 0x100, 0x200, 0x300))
      .map(([v4, some, flag]) => {
        const [high, low] = [v4 >>> 16, v4 & 0xffff];
        const [a = 0, b = 0, c = 0, d = 0] = some;
        return [
          [0, 0, 0, 0, 0, 0, high, low],
          [0, 0, 0, 0, 0, 0xffff, high, low],
          [0, 0, 0, 0, 0xffff, 0, high, low],
          [0x64, 0xff9b, 0, 0, 0, 0, high, low],
          [0x64, 0xff9b, 1, a, b, c, high, low],
          [0x2002, high, low, a, b, c, d, 1],
          [0x2001, 0, a, b, c, d, high ^ 0xffff, low ^ 0xffff],
          [0x2600 | (a & 0xff), b, c, d, flag, 0x5efe, high, low],
        ];
      });
    fc.assert(
      fc.property(embedded, anyIpv4, (forms, v4) => {
        for (const form of forms) {
          assert.ok(!isAllowedAddress(hex(form)), hex(form));
          assert.ok(!isAllowed(`https://[${hex(form)}]/`), hex(form));
        }
        assert.ok(!isAllowedAddress(`2606:4700::${dotted(v4)}`));
      }),
    );
  });

  it("of IPv6 passes only inside of 2000::/3, and outside of what is reserved there", () => {
    fc.assert(
      fc.property(groups(8), (parts) => {
        const isGlobal = ((parts[0] ?? 0) & 0xe000) === 0x2000;
        assert.ok(isGlobal || !isAllowedAddress(hex(parts)));
      }),
    );
    for (const address of [
      "2001:db8::1",
      "2001:2::1",
      "2001:10::1",
      "2001:20::1",
      "2001:30::1",
      "3fff::1",
      "2600:2d00:2:1000::1",
      "2600:2d00:2:2000::1",
      "2001:4860:8040::1",
      "2620:4f:8000::1",
    ]) {
      assert.ok(!isAllowedAddress(address), address);
    }
    for (const address of ["2606:4700:4700::1111", "2001:4860:4860::8888", "2a00:1450:4001::5efe:1"]) {
      assert.ok(isAllowedAddress(address), address);
    }
  });

  it("is no name, no number, and has no zone", () => {
    for (const text of [
      "",
      "example.com",
      "8.8.8",
      "134744072",
      "08.8.8.8",
      "0x8.8.8.8",
      "8.8.8.8/32",
      "8.8.8.8.",
      "[2606::1]",
      "2606::1%eth0",
      " 8.8.8.8",
    ]) {
      assert.ok(!isAllowedAddress(text), text);
    }
  });
});
