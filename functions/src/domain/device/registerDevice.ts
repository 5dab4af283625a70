import { AGAIN, change } from "../change.ts";
import type { Ctx } from "../context.ts";
import { newKey } from "../credential/key.ts";
import { DomainError, notFound } from "../errors.ts";
import type { Project } from "../project/project.ts";
import { hashCode } from "../registration/code.ts";
import { CODE_MS } from "../registration/registration.ts";
import type { Device } from "./device.ts";

/**
 * Makes a device of the terminal that shows a code: one, however often the code is entered. Its key waits, sealed, for
 * the terminal to fetch it; nobody else is shown it.
 * @throws DomainError `not_found` for a code that nobody has, or that another organization used; `expired` for one that
 * this organization used, or that nobody did in time.
 */
export function registerDevice(
  ctx: Ctx<"registrations" | "devices" | "deviceKeys" | "commit">,
  input: { project: Project; code: string; name: string },
): Promise<Device> {
  const { id: project_id, organization_id } = input.project;
  const code_hash = hashCode(input.code);
  const id = ctx.id();
  const { key, secret_hash } = newKey("pd", id);
  return change(ctx, async () => {
    const registration = await ctx.registrations.withCode(code_hash);
    const at = ctx.now();
    if (!registration) throw notFound();
    const { registered, expires_at, model, app_version } = registration.value;
    if (registered && registered.organization_id !== organization_id) throw notFound();
    if (registered) throw new DomainError("expired", "The code was used before.");
    if (at >= expires_at) throw new DomainError("expired", "The code was not entered in time.");
    const device: Device = {
      id,
      project_id,
      name: input.name,
      enabled: true,
      mode: "standard",
      model,
      app_version,
      last_seen_at: null,
      secret_hash,
      unclaimed_key: { ...ctx.deviceKeys.seal(id, key), until: new Date(at.getTime() + CODE_MS) },
      session: null,
      created_at: at,
    };
    const writes = [
      ctx.devices.create(device),
      ctx.registrations.replace(registration, {
        ...registration.value,
        registered: { device_id: id, project_id, organization_id, at },
      }),
    ];
    const target = { type: "device", id } as const;
    const outcome = await ctx.commit(writes, { target, organization_id, project_id, result: device });
    return outcome === "committed" ? device : AGAIN;
  });
}
