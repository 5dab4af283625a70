/** An answer, read to its end. */
export interface Answer {
  status: number;
  /** The parsed body; null when there is none. */
  // biome-ignore lint/suspicious/noExplicitAny: whoever asks compares what came
  body: any;
  ms: number;
}

interface More {
  token?: string | undefined;
  body?: unknown;
  idempotencyKey?: string | undefined;
}

/** Calls the API as an integrator does. `path` is below `/v1`. */
export type Api = (method: string, path: string, more?: More) => Promise<Answer>;

export function createApi(baseUrl: string): Api {
  return (method, path, more = {}) => send(method, `${baseUrl}/v1${path}`, more);
}

/** Signs a console user in at the Auth emulator; the body's `idToken` is their credential. */
export function signIn(authPort: number, email: string, password: string): Promise<Answer> {
  const url = `http://127.0.0.1:${authPort}/identitytoolkit.googleapis.com/v1/accounts:signInWithPassword?key=demo`;
  return send("POST", url, { body: { email, password, returnSecureToken: true } });
}

async function send(method: string, url: string, { token, body, idempotencyKey }: More): Promise<Answer> {
  const started = performance.now();
  const response = await fetch(url, {
    method,
    headers: {
      ...(token === undefined ? {} : { Authorization: `Bearer ${token}` }),
      ...(idempotencyKey === undefined ? {} : { "Idempotency-Key": idempotencyKey }),
      ...(body === undefined ? {} : { "Content-Type": "application/json" }),
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  const ms = performance.now() - started;
  return { status: response.status, body: text === "" ? null : parse(text), ms };
}

/** What is no JSON is the platform's own page. */
function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
