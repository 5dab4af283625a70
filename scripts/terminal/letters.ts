/** The letters of registration codes (Crockford's base32), five rows each. */
const FONT: Readonly<Record<string, string>> = {
  0: " ███ |█   █|█   █|█   █| ███ ",
  1: "  █  | ██  |  █  |  █  | ███ ",
  2: "████ |    █| ███ |█    |█████",
  3: "████ |    █| ███ |    █|████ ",
  4: "█  █ |█  █ |█████|   █ |   █ ",
  5: "█████|█    |████ |    █|████ ",
  6: " ███ |█    |████ |█   █| ███ ",
  7: "█████|   █ |  █  | █   | █   ",
  8: " ███ |█   █| ███ |█   █| ███ ",
  9: " ███ |█   █| ████|    █| ███ ",
  A: " ███ |█   █|█████|█   █|█   █",
  B: "████ |█   █|████ |█   █|████ ",
  C: " ████|█    |█    |█    | ████",
  D: "████ |█   █|█   █|█   █|████ ",
  E: "█████|█    |████ |█    |█████",
  F: "█████|█    |████ |█    |█    ",
  G: " ████|█    |█  ██|█   █| ████",
  H: "█   █|█   █|█████|█   █|█   █",
  J: "  ███|   █ |   █ |█  █ | ██  ",
  K: "█   █|█  █ |███  |█  █ |█   █",
  M: "█   █|██ ██|█ █ █|█   █|█   █",
  N: "█   █|██  █|█ █ █|█  ██|█   █",
  P: "████ |█   █|████ |█    |█    ",
  Q: " ███ |█   █|█ █ █|█  █ | ██ █",
  R: "████ |█   █|████ |█  █ |█   █",
  S: " ████|█    | ███ |    █|████ ",
  T: "█████|  █  |  █  |  █  |  █  ",
  V: "█   █|█   █|█   █| █ █ |  █  ",
  W: "█   █|█   █|█ █ █|██ ██|█   █",
  X: "█   █| █ █ |  █  | █ █ |█   █",
  Y: "█   █| █ █ |  █  |  █  |  █  ",
  Z: "█████|   █ |  █  | █   |█████",
};

const NONE = "     |     |     |     |     ";

/** A code in block letters, five rows, for people who stand before the terminal. */
export function blockLetters(code: string): string {
  const letters = [...code].map((letter) => (FONT[letter] ?? NONE).split("|"));
  const half = Math.ceil(letters.length / 2);
  return [0, 1, 2, 3, 4]
    .map((row) => {
      const rows = letters.map((letter) => letter[row]);
      return `  ${rows.slice(0, half).join("  ")}     ${rows.slice(half).join("  ")}`.trimEnd();
    })
    .join("\n");
}
