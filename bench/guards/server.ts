/** The function `members` in a process of its own, from source; `open` as its argument takes its limits away. */
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { routes } from "../../functions/src/api/members/routes.ts";
import { membersDeps } from "../../functions/src/deps.ts";
import type { Verdict } from "../../functions/src/domain/budget/limiter.ts";
import { createApp, toListener } from "../../functions/src/http/app.ts";

const ADMITTED: Verdict = { admitted: true, policy: undefined, remaining: 1, reset_s: 1, retry_after_s: 0 };

const deps = await membersDeps();
const limiter = process.argv[2] === "open" ? { admit: () => ADMITTED } : deps.limiter;
const ctx = { ...deps, limiter };
const server = createServer(toListener(createApp(routes, ctx), ctx));
server.listen(0, "127.0.0.1", () => process.send?.((server.address() as AddressInfo).port));
