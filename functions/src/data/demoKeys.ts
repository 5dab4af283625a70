/**
 * SHA-256 (hex) of each key in functions/.secret.local. Those keys are public, so production refuses them under any id.
 * test/unit/data/keyring.test.ts keeps this list in step with the file.
 */
export const DEMO_KEY_DIGESTS: ReadonlySet<string> = new Set([
  "d7ac0d5f109cfa203392b275cccfdef365fbf3bd285a5f369415833ac8c8cc3f",
  "2a7f55ac6b9d211cbf321b1faad17d72be52d4f05db2ef923d1ccc3b78e9cb67",
  "087e34ca013fcb476a22f663281257fe778d29751cf7c74e47b55ab745824438",
]);
