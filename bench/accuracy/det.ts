import { type Scores, shareBelow } from "./rates.ts";

const [WIDTH, HEIGHT, LEFT, BOTTOM] = [640, 480, 70, 60];
const RATES = [1e-5, 1e-4, 1e-3, 1e-2, 1e-1, 0.5];
const COLORS = ["#1f6f5c", "#b4552d", "#3b5bb5"];

/** Where a rate lies on an axis, 0..1: logarithmic from 1e-5 to 0.5. */
const place = (rate: number): number => {
  const [low, high] = [Math.log10(RATES[0] as number), Math.log10(0.5)];
  return (Math.log10(Math.min(Math.max(rate, RATES[0] as number), 0.5)) - low) / (high - low);
};
const x = (fmr: number) => LEFT + place(fmr) * (WIDTH - LEFT - 20);
const y = (fnmr: number) => HEIGHT - BOTTOM - place(fnmr) * (HEIGHT - BOTTOM - 20);

function points({ mated, nonMated }: Scores): string {
  const thresholds = Array.from({ length: 401 }, (_, i) => 0.5 + i / 800);
  return thresholds
    .map((threshold) => [1 - shareBelow(nonMated, threshold), shareBelow(mated, threshold)] as const)
    .filter(([fmr]) => fmr > 0)
    .map(([fmr, fnmr]) => `${x(fmr).toFixed(1)},${y(fnmr).toFixed(1)}`)
    .join(" ");
}

const label = (rate: number) => (rate >= 0.01 ? `${100 * rate} %` : `${rate.toExponential(0)}`);

/** The curves of false non-matches over false matches, both logarithmic, as SVG. */
export function detCurve(curves: Record<string, Scores>): string {
  const grid = RATES.flatMap((rate) => [
    `<path d="M${x(rate)} ${y(RATES[0] as number)}V${y(0.5)}M${x(RATES[0] as number)} ${y(rate)}H${x(0.5)}" stroke="#ddd"/>`,
    `<text x="${x(rate)}" y="${HEIGHT - BOTTOM + 18}" text-anchor="middle">${label(rate)}</text>`,
    `<text x="${LEFT - 8}" y="${y(rate) + 4}" text-anchor="end">${label(rate)}</text>`,
  ]);
  const lines = Object.entries(curves).flatMap(([name, scores], i) => [
    `<polyline points="${points(scores)}" fill="none" stroke="${COLORS[i % COLORS.length]}" stroke-width="2"/>`,
    `<text x="${WIDTH - 30}" y="${40 + 18 * i}" text-anchor="end" fill="${COLORS[i % COLORS.length]}">${name}</text>`,
  ]);
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" font-family="sans-serif" font-size="12" role="img" aria-label="False non-matches over false matches">
<rect width="100%" height="100%" fill="#fff"/>
${[...grid, ...lines].join("\n")}
<text x="${WIDTH / 2}" y="${HEIGHT - 12}" text-anchor="middle">false match rate</text>
<text transform="translate(16 ${HEIGHT / 2}) rotate(-90)" text-anchor="middle">false non-match rate</text>
</svg>
`;
}
