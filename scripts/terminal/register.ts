import { Refused } from "./api.ts";
import type { Registered } from "./identity.ts";
import type { Terminal } from "./terminal.ts";

const CLAIM_EVERY_MS = 2000;

/**
 * Who this terminal is; out of the box it shows its code until somebody has entered it. The key is on the disk before
 * it is used: the server tells it again until then, and never afterwards.
 */
export async function register(terminal: Terminal): Promise<Registered> {
  const { folder, base, tell, world, signal } = terminal;
  const known = folder.identity;
  tell({
    event: "started",
    api: base,
    folder: folder.path,
    device_id: known?.state === "registered" ? known.device_id : null,
  });
  if (known?.state === "registered") return known;
  let registration = known;
  // A token that this program has just got is refused by a server that is not well: that is not tried for ever.
  let isFresh = false;
  for (;;) {
    registration ??= await unbox(terminal);
    const { registration_code, expires_at, claim_token } = registration;
    tell({ event: "code", registration_code, expires_at });
    const claimed = await claim(terminal, claim_token, isFresh);
    if (claimed) {
      const { device_id, project_id, device_key } = claimed;
      const identity = { state: "registered", api: base, device_id, project_id, device_key } as const;
      folder.identity = identity;
      tell({ event: "registered", device_id, project_id });
      return identity;
    }
    tell({ event: "code_expired" });
    registration = undefined;
    isFresh = true;
    await world.sleep(CLAIM_EVERY_MS, signal);
  }
}

async function unbox({ api, about, base, folder, signal }: Terminal) {
  const { body } = await api.startRegistration(about, signal);
  const { registration_code, claim_token, expires_at } = body;
  const identity = { state: "registering", api: base, registration_code, claim_token, expires_at } as const;
  folder.identity = identity;
  return identity;
}

/** Undefined when the code is of no use any more. */
async function claim({ api, world, signal }: Terminal, token: string, isFresh: boolean) {
  for (;;) {
    try {
      const { body } = await api.claimRegistration(token, signal);
      if (body.status === "registered") return body;
    } catch (error) {
      const isOver = error instanceof Refused && (error.status === 410 || (error.status === 401 && !isFresh));
      if (!isOver) throw error;
      return undefined;
    }
    await world.sleep(CLAIM_EVERY_MS, signal);
  }
}
