import { existsSync, mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { isDeepStrictEqual } from "node:util";
import { type Browser, type BrowserContext, chromium, type LaunchOptions, type Page } from "playwright-core";
import { createApi } from "./api.ts";
import { interruption } from "./emulators.ts";
import { profileConfig, ROOT } from "./profiles.ts";
import { printTable } from "./table.ts";
import { startWorld } from "./world-start.ts";

/*
 * Looks at the pages of Hosting in a real browser: `npm run docs:browser` on a suite of its own, `-- --running` on that of
 * `npm start`. `-- --screenshots` writes docs/images anew.
 */

const SCHEMES = ["light", "dark"] as const;
const WIDTHS = { wide: 1280, narrow: 390 };
/** How often a key is pressed, at most, before something is called out of reach. */
const TABS = 120;
const IMAGES = join(ROOT, "docs", "images");
const AXE = fileURLToPath(import.meta.resolve("axe-core/axe.min.js"));
const PROJECT = "bbbbbbbb-0000-4000-8000-000000000001";
const ROOT_ARGS = process.getuid?.() === 0 ? ["--no-sandbox"] : [];
const ARGS = [
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

const token = JSON.parse(readFileSync(join(ROOT, "emulator-data", "credentials.json"), "utf8")).api_keys
  .acme_hq as string;
const takesScreenshots = process.argv.includes("--screenshots");
const interrupted = interruption();
/** What every page that was opened has said, and whom it has asked. */
const complaints = new Set<string>();
const refusals = new Set<string>();
const strangers = new Set<string>();
let requests = 0;
let faults = 0;
let row: ReturnType<typeof printTable>;

try {
  const browser = await launch();
  try {
    if (process.argv.includes("--running")) {
      await lookAt(browser, `http://127.0.0.1:${profileConfig("dev").ports.hosting}`);
    } else {
      const importDir = join(ROOT, "emulator-data");
      const suite = await startWorld({ profile: "demo", importDir, signal: interrupted });
      try {
        await lookAt(browser, suite.baseUrl);
      } finally {
        await suite.stop();
      }
    }
  } finally {
    await browser.close();
  }
} catch (error) {
  console.error(`docs-browser: ${error instanceof Error ? error.message : error}`);
  faults += 1;
}
process.exitCode = faults > 0 ? 1 : 0;

/** The Chromium that CHROMIUM names, or the system's, or Chrome. */
async function launch(): Promise<Browser> {
  const named = process.env["CHROMIUM"];
  const debian = "/usr/bin/chromium";
  const choices: LaunchOptions[] =
    named !== undefined
      ? [{ executablePath: named }]
      : [...(existsSync(debian) ? [{ executablePath: debian }] : []), { channel: "chrome" }, {}];
  for (const choice of choices) {
    try {
      return await chromium.launch({ ...choice, args: [...ROOT_ARGS, ...ARGS] });
    } catch {
      // The next one, then.
    }
  }
  throw new Error(
    named === undefined
      ? "there is no browser: install chromium (Debian: apt-get install chromium) or Chrome, or name one by CHROMIUM=/path"
      : `CHROMIUM=${named} does not start`,
  );
}

async function lookAt(browser: Browser, base: string): Promise<void> {
  row = printTable([
    { title: "the pages", width: 84 },
    { title: "it is so", width: 8, look: "verdict" },
  ]);
  for (const scheme of SCHEMES) {
    for (const [size, width] of Object.entries(WIDTHS)) {
      const context = await browser.newContext({
        baseURL: base,
        colorScheme: scheme,
        viewport: { width, height: 800 },
      });
      context.setDefaultTimeout(60_000);
      await watch(context, base);
      const where = `${scheme}, ${size}`;
      await check(`/ has nothing that axe finds (${where})`, () => landing(context, where));
      await check(`/404.html has nothing that axe finds (${where})`, () => notFound(context));
      await reference(context, base, where);
      await context.close();
    }
  }
  await check(`${requests} requests, none of them to another host`, async () => [...strangers]);
  await check("no violation of the Content-Security-Policy", async () => [...refusals]);
  await check("no error and no warning on the console", async () => [...complaints]);
}

/** Hears everything that the pages of a context say and ask. */
async function watch(context: BrowserContext, base: string): Promise<void> {
  await context.addInitScript({ path: AXE });
  await context.addInitScript(
    "addEventListener('securitypolicyviolation', (e) => console.error('CSP: ' + e.effectiveDirective + ' ' + e.blockedURI))",
  );
  context.on("request", (request) => {
    requests += 1;
    if (!request.url().startsWith(`${base}/`)) strangers.add(request.url());
  });
  context.on("console", (message) => {
    if (message.text().startsWith("CSP: ")) return void refusals.add(message.text());
    // Hosting answers its page for what is not there with 404, by whatever path, and Chromium says so.
    if (message.location().url === `${base}/404.html`) return;
    if (["error", "warning"].includes(message.type()))
      complaints.add(`${message.text()} ${message.location().url}`);
  });
  context.on("weberror", (error) => complaints.add(error.error().message));
}

async function landing(context: BrowserContext, where: string): Promise<string[]> {
  const page = await open(context, "/");
  if (where === "light, wide") await screenshot(page, "landing");
  return axe(page, "/");
}

async function notFound(context: BrowserContext): Promise<string[]> {
  return axe(await open(context, "/404.html"), "/404.html");
}

async function reference(context: BrowserContext, base: string, where: string): Promise<void> {
  const page = await open(context, "/docs");
  await page.locator(".opblock").first().waitFor();
  const found: string[] = [];
  const look = async (state: string) => found.push(...(await axe(page, state)));
  await look("as it opens");
  if (where === "light, wide") {
    await screenshot(page, "reference");
    await check("/docs shows every operation and webhook, and lists them", () => operations(page, base));
    await check("/docs is used by keyboard alone", () => keyboard(context));
  }
  await check(`try-it-out takes a key, and listProjects answers 200 (${where})`, async () => {
    await authorize(page, () => look("the dialogue"));
    return listProjects(page, base, () => look("an answer"));
  });
  if (where === "dark, wide") {
    await page.locator(".live-responses-table").scrollIntoViewIfNeeded();
    await screenshot(page, "reference-dark");
  }
  await check(`try-it-out makes a member: 201, as it can be read afterwards (${where})`, () =>
    createMember(page, base, () => look("a request with a body")),
  );
  await openAll(page);
  await look("schemas, a webhook");
  await check(`/docs has nothing that axe finds, whatever is open (${where})`, async () => found);
  await page.close();
}

async function open(context: BrowserContext, path: string): Promise<Page> {
  const page = await context.newPage();
  await page.goto(path);
  return page;
}

async function operations(page: Page, base: string): Promise<string[]> {
  const { paths, webhooks } = (await (await fetch(`${base}/v1/openapi.json`)).json()) as Record<
    "paths" | "webhooks",
    Record<string, Record<string, { operationId: string }>>
  >;
  const wanted = Object.values({ ...paths, ...webhooks })
    .flatMap((methods) => Object.values(methods))
    .map(({ operationId }) => operationId);
  const shown = await page
    .locator(".opblock")
    .evaluateAll((all) => all.map(({ id }) => id.split("-").at(-1)));
  const listed = await page
    .locator(".operation-list a")
    .evaluateAll((all) => all.map(({ hash }) => hash.split("/").at(-1)));
  return [
    ...wanted.filter((id) => !shown.includes(id)).map((id) => `${id} is not shown`),
    ...wanted.filter((id) => !listed.includes(id)).map((id) => `${id} is not listed`),
    ...(shown.length === wanted.length ? [] : [`${shown.length} are shown, not ${wanted.length}`]),
  ];
}

async function keyboard(context: BrowserContext): Promise<string[]> {
  const page = await open(context, "/docs");
  await page.locator(".opblock").first().waitFor();
  const focused = page.locator(":focus");
  const found: string[] = [];
  const want = (is: boolean, fault: string) => {
    if (!is) found.push(fault);
  };
  /** Tabs on to something, which must show that it has the focus. */
  const tabTo = async (selector: string) => {
    for (let tab = 0; tab < TABS; tab++) {
      await page.keyboard.press("Tab");
      if (!(await focused.evaluate((element, wanted) => element.matches(wanted), selector))) continue;
      const outline = await focused.evaluate(
        (element) => element.ownerDocument.defaultView.getComputedStyle(element).outlineStyle,
      );
      return want(outline !== "none", `${selector} does not show that it has the focus`);
    }
    want(false, `${selector} is out of reach`);
  };

  await page.keyboard.press("Tab");
  want(
    await focused.evaluate((element) => element.matches(".skip")),
    "the first Tab is not at the skip link",
  );
  await tabTo(".site-header nav a");
  await tabTo(".operation-list a[href$='/listProjects']");
  await page.keyboard.press("Enter");
  const control = page.locator("[id$='-listProjects'] .opblock-summary-control");
  await page.locator("[id$='-listProjects'] .execute").waitFor();
  want(
    await control.evaluate((element) => element.matches(":focus")),
    "the list does not lead to its operation",
  );
  await page.keyboard.press("Enter");
  want((await control.getAttribute("aria-expanded")) === "false", "Enter does not close an operation");

  await page.goto("/docs");
  await page.locator(".opblock").first().waitFor();
  await page.keyboard.press("Tab");
  await page.keyboard.press("Enter");
  await page.locator("#content:focus").waitFor();
  await tabTo("#servers");
  await tabTo(".bar .authorize");
  await page.keyboard.press("Enter");
  await page.locator(".modal-ux").waitFor();
  await page.keyboard.press("Escape");
  want((await page.locator(".modal-ux").count()) === 0, "Escape does not close the dialogue");
  await tabTo(".operation-filter-input");
  await tabTo(".opblock-summary-control");

  await page.goto("/");
  await page.keyboard.press("Tab");
  await page.keyboard.press("Enter");
  await tabTo(".page .button");
  await page.close();
  return found;
}

async function authorize(page: Page, look: () => Promise<unknown>): Promise<void> {
  await page.locator(".bar .authorize").click();
  const form = page.locator(".auth-container").filter({ hasText: "apiKey" });
  await look();
  await form.getByRole("textbox").fill(token);
  await form.getByRole("button", { name: "Authorize" }).click();
  await form.getByRole("button", { name: "Logout" }).waitFor();
  await form.getByRole("button", { name: "Close" }).click();
}

async function listProjects(page: Page, base: string, look: () => Promise<unknown>): Promise<string[]> {
  const seen = await execute(page, "listProjects", {}, undefined);
  await look();
  const { body } = await createApi(base)("GET", "/projects", { token });
  return differences(seen, 200, body);
}

async function createMember(page: Page, base: string, look: () => Promise<unknown>): Promise<string[]> {
  const name = "Noa Levy";
  const seen = await execute(page, "createMember", { project_id: PROJECT }, { name });
  await look();
  const api = createApi(base);
  const path = `/project/${PROJECT}/members/${(seen.body as { id?: string }).id}`;
  const { body } = await api("GET", path, { token });
  await api("DELETE", path, { token });
  return body.name === name ? differences(seen, 201, body) : [`the member is ${JSON.stringify(body)}`];
}

interface Seen {
  status: string;
  body: unknown;
}

/** Runs an operation by its form, and reads from the page what it answered. */
async function execute(
  page: Page,
  operationId: string,
  parameters: Record<string, string>,
  body: object | undefined,
): Promise<Seen> {
  const operation = page.locator(`[id$='-${operationId}']`);
  await operation.locator(".opblock-summary-control").click();
  for (const [name, value] of Object.entries(parameters))
    await operation.locator(`[data-param-name="${name}"] input`).fill(value);
  if (body) await operation.locator(".body-param__text").fill(JSON.stringify(body));
  await operation.locator(".execute").click();
  const answer = operation.locator(".live-responses-table .response");
  await answer.waitFor();
  const status = await answer.locator(".response-col_status").innerText();
  const text = await answer.locator(".highlight-code").first().innerText();
  return {
    status: status.trim().split(/\s/)[0] as string,
    body: JSON.parse(text.slice(text.search(/[[{]/))),
  };
}

function differences(seen: Seen, status: number, body: unknown): string[] {
  return [
    ...(seen.status === `${status}` ? [] : [`the page shows status ${seen.status}`]),
    ...(isDeepStrictEqual(seen.body, body) ? [] : [`the page shows ${JSON.stringify(seen.body)}`]),
  ];
}

async function openAll(page: Page): Promise<void> {
  for (const tab of await page.locator(".opblock.is-open").getByRole("tab", { name: "Schema" }).all())
    await tab.click();
  await page.locator(".webhooks .opblock-summary-control").first().click();
  await page.locator(".models-control").click();
  await page.locator(".models .json-schema-2020-12").first().waitFor();
}

/** Every rule of axe that is not experimental and not for WCAG's AAA alone. */
async function axe(page: Page, state: string): Promise<string[]> {
  return page.evaluate(
    `axe.run({ resultTypes: ["violations"], rules: { "target-size": { enabled: true } } }).then(({ violations }) =>
      violations.flatMap(({ id, nodes }) => nodes.map(({ html }) => ${JSON.stringify(state)} + ": " + id + " " + html.slice(0, 160))))`,
  );
}

async function screenshot(page: Page, name: string): Promise<void> {
  if (!takesScreenshots) return;
  mkdirSync(IMAGES, { recursive: true });
  await page.screenshot({ path: join(IMAGES, `${name}.png`) });
}

async function check(says: string, find: () => Promise<string[]>): Promise<void> {
  interrupted.throwIfAborted();
  const found = await find().catch((error: Error) => [error.message]);
  row([says, found.length === 0 ? "yes" : "no"], found.length === 0);
  for (const fault of new Set(found)) console.log(`      ${fault}`);
  faults += found.length;
}
