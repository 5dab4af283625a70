/** The running suite of `scripts/test.ts`, as its environment tells. */
export const baseUrl = (): string => must("BASE_URL");

function must(name: string): string {
  const value = process.env[name];
  if (!value) throw new Error(`${name} is not set: run this suite with npm test`);
  return value;
}

/** Gives this process the parameters and secrets that the Functions emulator gives its own. */
export function loadParameters(): void {
  must("FIRESTORE_EMULATOR_HOST");
  for (const file of ["functions/.env.demo-palmgate-test", "functions/.secret.local"])
    process.loadEnvFile(file);
}

/** Signs a new console user up at the Auth emulator. */
export async function newUser(email: string): Promise<{ uid: string; token: string }> {
  const answer = await fetch(
    `http://${must("FIREBASE_AUTH_EMULATOR_HOST")}/identitytoolkit.googleapis.com/v1/accounts:signUp?key=demo`,
    {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ email, password: "palmgate-demo", returnSecureToken: true }),
    },
  );
  const { localId, idToken } = (await answer.json()) as { localId: string; idToken: string };
  if (!idToken) throw new Error(`the Auth emulator answered ${answer.status}`);
  return { uid: localId, token: idToken };
}
