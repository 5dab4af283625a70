import { type Profile, profileConfig } from "../../../scripts/profiles.ts";

/** How a page, which speaks of `npm start`, is run on another suite, so that both may be there at once. */
export interface Surroundings {
  /** Where programs that are called without an address find the suite, or are found. */
  env: Record<string, string>;
  /** A page's addresses into those that are here. */
  toHere(text: string): string;
  /** And back, of what was printed. */
  toPage(text: string): string;
}

/** Where pages let `npm run webhooks:listen` listen, the first without being told; here it is so much further on. */
const RECEIVERS = [4000, 4001] as const;
const FURTHER = 300;

export function surroundingsOf(profile: Profile): Surroundings {
  const [page, here] = [profileConfig("dev").ports, profileConfig(profile).ports];
  const names = Object.keys(page) as (keyof typeof page)[];
  const ports = [
    ...names.map((name) => [page[name], here[name]] as const),
    ...RECEIVERS.map((port) => [port, port + FURTHER] as const),
  ];
  const translate = (to: ReadonlyMap<number, number>) => (text: string) =>
    text.replaceAll(
      /(127\.0\.0\.1:|localhost:|--port )(\d+)\b/g,
      (_, before, port) => `${before}${to.get(Number(port)) ?? port}`,
    );
  return {
    env: { PALMGATE_URL: `http://127.0.0.1:${here.hosting}`, WEBHOOK_PORT: `${RECEIVERS[0] + FURTHER}` },
    toHere: translate(new Map(ports)),
    toPage: translate(new Map(ports.map(([page, here]) => [here, page]))),
  };
}
