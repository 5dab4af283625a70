/** The function `members` in a process of its own, from source; `open` as its argument takes its limits away. */
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { routes } from "../../functions/src/api/members/routes.ts";
import { membersDeps } from "../../functions/src/deps.ts";
import { createApp, toListener } from "../../functions/src/http/app.ts";
import { UNLIMITED } from "../../test/support/limits.ts";

const deps = await membersDeps();
const limiter = process.argv[2] === "open" ? UNLIMITED : deps.limiter;
const ctx = { ...deps, limiter };
const server = createServer(toListener(createApp(routes, ctx), ctx));
server.listen(0, "127.0.0.1", () => process.send?.((server.address() as AddressInfo).port));
