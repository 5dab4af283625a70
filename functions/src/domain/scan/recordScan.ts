import type { Ctx } from "../context.ts";
import { unavailable } from "../errors.ts";
import type { Scan } from "./scan.ts";

/** Leaves a scan that came through the API, on its own. @returns its id */
export async function recordScan(
  ctx: Ctx<"scans" | "commit">,
  looked: Pick<
    Scan,
    "project_id" | "api_key_id" | "operation" | "outcome" | "member_id" | "score" | "pad_score"
  >,
): Promise<string> {
  const scan: Scan = { id: ctx.id(), ...looked, device_id: null, source: "api", created_at: ctx.now() };
  if ((await ctx.commit([ctx.scans.create(scan)])) === "conflict") throw unavailable();
  return scan.id;
}
