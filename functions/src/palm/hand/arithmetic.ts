/*
 * Functions that Math only approximates, made of + − × ÷ and nothing else: Math.exp, Math.sin and Math.cos may differ in
 * the last bit from engine to engine, and a template must have the same bytes everywhere.
 */

/** log2(e), and ln 2 in two parts: whole multiples of the first part are exact. */
const LOG2_E = Math.LOG2E;
const LN2_HIGH = 0.6931471803691238;
const LN2_LOW = 1.9082149292705877e-10;

/** Terms of the Taylor series: for the arguments below, the remainder is under one unit of the last place. */
const TERMS = 14;

/** e^±40 is beyond what a float32 probability can express. */
const MOST = 40;

/** 1 / (1 + e^−x). */
export function sigmoid(x: number): number {
  return 1 / (1 + exponential(-Math.min(Math.max(x, -MOST), MOST)));
}

function exponential(x: number): number {
  const halvings = Math.floor(x * LOG2_E + 0.5);
  const rest = x - halvings * LN2_HIGH - halvings * LN2_LOW;
  let sum = 1;
  for (let term = TERMS; term > 0; term--) sum = 1 + (rest * sum) / term;
  for (let i = 0; i < halvings; i++) sum *= 2;
  for (let i = 0; i > halvings; i--) sum /= 2;
  return sum;
}

/**
 * Cosine and sine of an angle.
 * @param degrees −90..90
 */
export function cosineAndSine(degrees: number): [cosine: number, sine: number] {
  const angle = (degrees * Math.PI) / 180;
  const square = angle * angle;
  let cosine = 1;
  let sine = 1;
  for (let term = 2 * TERMS; term > 0; term -= 2) {
    cosine = 1 - (square * cosine) / (term * (term - 1));
    sine = 1 - (square * sine) / (term * (term + 1));
  }
  return [cosine, angle * sine];
}
