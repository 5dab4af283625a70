import { registerHooks } from "node:module";

/* For Node, before it runs a page's block: the client is imported by the name that it is installed by, and is the source. */

const HERE: Record<string, string> = {
  "@palmgate/client": new URL("../../../clients/typescript/src/index.ts", import.meta.url).href,
};

registerHooks({ resolve: (name, context, next) => next(HERE[name] ?? name, context) });
