import ipaddr from "ipaddr.js";

/** What a deployment knows of itself, so that no customer makes it call itself. */
export interface DestinationPolicy {
  /**
   * Our own hosts, with their subdomains: `api.palmgate.example`. A `*` stands for any characters, and an entry that
   * has one means just what it says: `*-acme.cloudfunctions.net`.
   */
  ownHosts: readonly string[];
  /** Lets `http://localhost:<port>` through, in that spelling alone: for those who build receivers on their machine. */
  allowLocalhost: boolean;
  /** Ports of ours on localhost: those of the emulator suite. */
  ownPorts: readonly number[];
}

/** Names that mean this machine, this network or its metadata server, with all that is below them. */
const DENIED_NAMES = [
  // RFC 6761, 6762 (appendix G too), 7686, 8375, and ICANN's `internal`.
  ...["localhost", "test", "invalid", "local", "onion", "home.arpa", "internal"],
  ...["localdomain", "lan", "home", "corp", "intranet", "svc"],
  // What clouds call their metadata servers, where that looks like a public name.
  ...["metadata.goog", "metadata.tencentyun.com", "metadata.packet.net", "metadata.platformequinix.com"],
];

/** From 1024 on: https://fetch.spec.whatwg.org/#bad-port */
const BAD_PORTS = [
  ...[1719, 1720, 1723, 2049, 3659, 4045, 4190, 5060, 5061, 6000, 6566],
  ...[6665, 6666, 6667, 6668, 6669, 6679, 6697, 10080],
];

/** Azure's platform, and the addresses behind which Google's APIs answer inside of Google. */
const DENIED_IPV4 = ["168.63.129.16/32", "199.36.153.0/24"].map((range) => ipaddr.IPv4.parseCIDR(range));
const DENIED_IPV6 = ["2600:2d00:2:1000::/64", "2600:2d00:2:2000::/64", "2001:4860:8040::/42"].map((range) =>
  ipaddr.IPv6.parseCIDR(range),
);

/** All that IANA gives out for use in the Internet. */
const GLOBAL_IPV6 = ipaddr.IPv6.parseCIDR("2000::/3");

/** As the caller must have written it: whoever spells it differently wants something else than a receiver. */
const LOCALHOST = /^http:\/\/localhost:[1-9]\d{3,4}(?![^/?#])/;

/**
 * Where a webhook may be sent, as far as its text tells; its name's addresses are still to be looked at, each by
 * `isAllowedAddress`.
 * @param text any string; it is read as browsers do (https://url.spec.whatwg.org)
 * @returns `undefined` for any that is not allowed. The `href` of what is allowed is allowed, too.
 */
export function readDestination(text: string, policy: DestinationPolicy): URL | undefined {
  const url = URL.parse(text);
  if (url === null) return undefined;
  const port = portOf(url);
  if (policy.allowLocalhost && LOCALHOST.test(text)) {
    return isOpenPort(port) && !policy.ownPorts.includes(port) ? url : undefined;
  }
  const isPlain = url.protocol === "https:" && url.username === "" && url.password === "";
  if (!isPlain || !(port === 443 || isOpenPort(port))) return undefined;
  const literal = literalOf(url);
  const isAllowed = literal === undefined ? isAllowedName(nameOf(url)) : isAllowedAddress(literal);
  return isAllowed && !policy.ownHosts.some((own) => isOwn(nameOf(url), own)) ? url : undefined;
}

/** The port of a destination. */
export function portOf(url: URL): number {
  return Number(url.port || (url.protocol === "https:" ? 443 : 80));
}

/** The host of a destination without the dot that ends a full name. */
export function nameOf(url: URL): string {
  return url.hostname.replace(/\.$/, "");
}

/** The address that stands in a destination for a name, IPv6 without its brackets; `undefined` when it has a name. */
export function literalOf({ hostname }: URL): string | undefined {
  if (hostname.startsWith("[")) return hostname.slice(1, -1);
  return ipaddr.IPv4.isValidFourPartDecimal(hostname) ? hostname : undefined;
}

/**
 * Whether an address is one of the public Internet. IPv6 that carries an IPv4 address (mapped, compatible, NAT64, 6to4,
 * Teredo, ISATAP) never is, wherever that would lead.
 * @param address `192.0.2.1`, or IPv6 as in RFC 4291, section 2.2, without a zone
 */
export function isAllowedAddress(address: string): boolean {
  if (ipaddr.IPv4.isValidFourPartDecimal(address)) {
    const parsed = ipaddr.IPv4.parse(address);
    return parsed.range() === "unicast" && !DENIED_IPV4.some((range) => parsed.match(range));
  }
  // A zone is of this machine, and dots are an IPv4 address within.
  if (/[%.]/.test(address) || !ipaddr.IPv6.isValid(address)) return false;
  const parsed = ipaddr.IPv6.parse(address);
  const isPublic = parsed.match(GLOBAL_IPV6) && parsed.range() === "unicast";
  return isPublic && !isIsatap(parsed) && !DENIED_IPV6.some((range) => parsed.match(range));
}

/** RFC 5214, section 6.1: an interface identifier of 0000:5efe or 0200:5efe, then an IPv4 address. */
function isIsatap({ parts }: ipaddr.IPv6): boolean {
  const [high = 0, low] = parts.slice(4);
  return (high & ~0x0300) === 0 && low === 0x5efe;
}

function isOpenPort(port: number): boolean {
  return port >= 1024 && !BAD_PORTS.includes(port);
}

function isAllowedName(name: string): boolean {
  const labels = name.split(".");
  const isFull = labels.length >= 2 && !labels.includes("");
  return isFull && !DENIED_NAMES.some((denied) => isWithin(name, denied));
}

function isOwn(name: string, entry: string): boolean {
  const own = entry.trim().toLowerCase().replace(/\.$/, "");
  if (own === "") return false;
  if (!own.includes("*")) return isWithin(name, own);
  return new RegExp(`^${own.split("*").map(RegExp.escape).join(".*")}$`).test(name);
}

function isWithin(name: string, host: string): boolean {
  return name === host || name.endsWith(`.${host}`);
}
