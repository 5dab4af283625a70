import { scoreOut } from "../functions/src/domain/palm/score.ts";
import type { Scan } from "../functions/src/domain/scan/scan.ts";
import type { Transaction } from "../functions/src/domain/transaction/transaction.ts";
import { ACME_HQ, FRONT_DOOR, fixedBytes, fixedIds, people } from "./world.ts";

/*
 * Two days at Acme HQ's front door and in the canteen behind it, as plain data. It has no place in emulator-data/:
 * lists begin with the last 24 hours, so it is made when somebody starts.
 */

export interface History {
  scans: Scan[];
  transactions: Transaction[];
}

interface Sale {
  /** The least and the most that is paid. */
  cents: readonly [number, number];
  /** The reference of the day's n-th such sale, from 0. */
  reference(n: number): string | null;
}

const numbered = (what: string) => (n: number) => `${what} ${101 + n}`;
/** What somebody has typed: a formula, what CSV must quote, what is not ASCII, nothing. */
const TYPED = ["=1+1", 'Cake, "the big one" 🍰', "-10 % crème brûlée", null];

const coffee: Sale = { cents: [190, 390], reference: numbered("Coffee") };
const lunch: Sale = { cents: [690, 1190], reference: numbered("Lunch") };
const tea: Sale = { cents: [180, 320], reference: numbered("Tea") };
const treat: Sale = { cents: [250, 1500], reference: (n) => TYPED[n] ?? null };

/** What happens every day, by the hours of the clock on the wall; visits are spread evenly. */
const DAY: readonly { from: number; to: number; visits: number; sale?: Sale }[] = [
  { from: 0, to: 5, visits: 2 },
  { from: 6, to: 10, visits: 16 },
  { from: 7.5, to: 9, visits: 28 },
  { from: 9.5, to: 11.5, visits: 18, sale: coffee },
  { from: 11.5, to: 14, visits: 34, sale: lunch },
  { from: 12.5, to: 14, visits: 20 },
  { from: 14, to: 17, visits: 18, sale: tea },
  { from: 15, to: 18, visits: TYPED.length, sale: treat },
  { from: 16, to: 19, visits: 24 },
  { from: 20, to: 24, visits: 3 },
];

const HOUR_MS = 60 * 60_000;
const NO_MATCH = 0.07;
/** The seed makes each member with the first id of a row of its own. */
const MEMBERS = people.map(({ external_id }) => fixedIds(external_id)());

/**
 * What the last two days left, until `now`: the same each time but for the moment, and little enough for one commit.
 * Days are those of the clock on the wall (TZ), which may have 23 or 25 hours.
 */
export function historyOf(now: Date): History {
  const history: History = { scans: [], transactions: [] };
  const begin = new Date(now);
  begin.setDate(now.getDate() - 2);
  for (const day of [-2, -1, 0]) {
    DAY.forEach(({ from, to, visits, sale }, row) => {
      const [shift] = chances(`history ${day} ${row}`);
      for (let n = 0; n < visits; n++) {
        const name = `history ${day} ${row} ${n}`;
        const [moment, miss, likeness, liveness, price] = chances(name);
        const hour = from + ((to - from) * (n + moment)) / visits;
        const created_at = onWall(now, day, hour);
        if (created_at < begin || created_at >= now) continue;

        const id = fixedIds(name);
        const identified = miss >= NO_MATCH;
        // Everybody comes once before anybody comes again.
        const member = MEMBERS[(Math.floor(shift * MEMBERS.length) + 7 * n) % MEMBERS.length] as string;
        const scan: Scan = {
          id: id(),
          project_id: ACME_HQ,
          device_id: FRONT_DOOR,
          api_key_id: null,
          source: "terminal",
          operation: "identify",
          outcome: identified ? "identified" : "no_match",
          member_id: identified ? member : null,
          score: identified ? scoreOut(0.74 + 0.14 * likeness) : null,
          pad_score: scoreOut(0.9 + 0.1 * liveness),
          created_at,
        };
        history.scans.push(scan);
        if (!sale) continue;
        const [least, most] = sale.cents;
        history.transactions.push({
          id: id(),
          project_id: ACME_HQ,
          device_id: FRONT_DOOR,
          member_id: scan.member_id,
          scan_id: scan.id,
          status: identified ? "approved" : "declined",
          amount_minor: least + 10 * Math.floor((price * (most - least)) / 10),
          currency: "EUR",
          reference: sale.reference(n),
          created_at,
        });
      }
    });
  }
  return history;
}

/** An hour of today (`day` 0) or of another day, as the clock on the wall shows it. */
function onWall(now: Date, day: number, hour: number): Date {
  return new Date(now.getFullYear(), now.getMonth(), now.getDate() + day, 0, 0, 0, hour * HOUR_MS);
}

type Chances = [number, number, number, number, number];

/** Numbers in [0, 1) that are the same each time. */
function chances(name: string): Chances {
  const bytes = Buffer.from(fixedBytes(name));
  return [0, 4, 8, 12, 16].map((at) => bytes.readUInt32BE(at) / 2 ** 32) as Chances;
}
