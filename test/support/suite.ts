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

const PASSWORD = "palmgate-demo";

/** A console user whose e-mail address is verified, and an ID token of theirs. */
export async function newUser(email: string): Promise<{ uid: string; token: string }> {
  // The operator's endpoint, which the emulator opens to this bearer: no user can verify an address by themselves.
  const headers = { Authorization: "Bearer owner" };
  const body = { email, password: PASSWORD, emailVerified: true };
  await askAuth(`projects/${must("GCLOUD_PROJECT")}/accounts`, body, headers);
  return ask("accounts:signInWithPassword?key=demo", email);
}

/** A user who signs up by themselves, as anybody can where client sign-up is on: the address is not verified. */
export const signUp = (email: string) => ask("accounts:signUp?key=demo", email);

async function ask(path: string, email: string): Promise<{ uid: string; token: string }> {
  const { localId, idToken } = await askAuth(path, { email, password: PASSWORD, returnSecureToken: true });
  if (!idToken) throw new Error("the Auth emulator returned no token");
  return { uid: localId, token: idToken };
}

async function askAuth(path: string, body: object, headers: Record<string, string> = {}) {
  const url = `http://${must("FIREBASE_AUTH_EMULATOR_HOST")}/identitytoolkit.googleapis.com/v1/${path}`;
  const answer = await fetch(url, {
    method: "POST",
    headers: { "Content-Type": "application/json", ...headers },
    body: JSON.stringify(body),
  });
  if (!answer.ok) throw new Error(`the Auth emulator answered ${answer.status}: ${await answer.text()}`);
  return (await answer.json()) as { localId: string; idToken?: string };
}
