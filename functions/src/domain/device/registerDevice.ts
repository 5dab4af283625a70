import { AGAIN, change } from "../change.ts";
import type { Ctx } from "../context.ts";
import { newKey } from "../credential/key.ts";
import { DomainError, notFound } from "../errors.ts";
import type { DeviceLimits } from "../organization/organization.ts";
import type { Project } from "../project/project.ts";
import { hashCode } from "../registration/code.ts";
import { CODE_MS } from "../registration/registration.ts";
import type { Device } from "./device.ts";
import { countDevice } from "./quota.ts";

/**
 * Makes a device of the terminal that shows a code: one, however often the code is entered. Its key waits, sealed, for
 * the terminal to fetch it; nobody else is shown it. A code that is refused can be entered again.
 * @param input.limits how many devices an organization may have; without it there may be any number
 * @throws DomainError `not_found` for a code that nobody has, or that another organization used; `expired` for one that
 * this organization used, or that nobody did in time; `limit_reached` when the organization has all its plan allows.
 */
export function registerDevice(
  ctx: Ctx<"registrations" | "devices" | "deviceKeys" | "organizations" | "projects" | "commit">,
  input: { project: Project; code: string; name: string; limits?: DeviceLimits },
): Promise<Device> {
  const { id: project_id, organization_id } = input.project;
  const code_hash = hashCode(input.code);
  const id = ctx.id();
  const { key, secret_hash } = newKey("pd", id);
  return change(ctx, async () => {
    const [registration, organization] = await Promise.all([
      ctx.registrations.withCode(code_hash),
      ctx.organizations.get(organization_id),
    ]);
    const at = ctx.now();
    if (!registration) throw notFound();
    const { registered, expires_at, model, app_version } = registration.value;
    if (registered && registered.organization_id !== organization_id) throw notFound();
    if (registered) throw new DomainError("expired", "The code was used before.");
    if (at >= expires_at) throw new DomainError("expired", "The code was not entered in time.");
    if (!organization) throw new Error(`project ${project_id} has no organization`);
    const counted = await countDevice(ctx, organization, 1, input.limits?.[organization.value.plan]);
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
      counted,
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
