import assert from "node:assert/strict";
import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { allRoutes } from "../../functions/src/api/routes.ts";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const HOSTING = join(ROOT, "hosting");

interface Hosting {
  headers: { source: string; headers: { key: string; value: string }[] }[];
}

/** Ours: what is built is left out. */
const files = readdirSync(HOSTING, { recursive: true, encoding: "utf8" }).filter(
  (file) => /\.(html|css|js|svg)$/.test(file) && !file.startsWith("docs/viewer/"),
);
const pages = files.filter((file) => file.endsWith(".html"));
const read = (file: string) => readFileSync(join(HOSTING, file), "utf8");

const isFile = (path: string) => statSync(path, { throwIfNoEntry: false })?.isFile() ?? false;

/** Whether something is at a path of Hosting; a fragment names an element, or a state of the viewer. */
function isServed(link: string, page: string): boolean {
  const [path = "", fragment] = link.split("#");
  if (path === "") return read(page).includes(`id="${fragment}"`) || fragment === "content";
  if (path.startsWith("/v1/"))
    return allRoutes.some((route) => route.method === "GET" && route.path === path);
  return [path, `${path}/index.html`].some((file) => isFile(join(HOSTING, file)));
}

describe("The pages of Hosting", () => {
  it("are sent with a strict policy, and the API's answers without", () => {
    const { hosting } = JSON.parse(readFileSync(join(ROOT, "firebase.json"), "utf8")) as { hosting: Hosting };
    assert.deepEqual(
      hosting.headers.map(({ source, headers }) => [
        source,
        Object.fromEntries(headers.map(({ key, value }) => [key, value])),
      ]),
      [
        [
          "!/v1/**",
          {
            "Content-Security-Policy":
              "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; " +
              "base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
            "X-Content-Type-Options": "nosniff",
            "Referrer-Policy": "no-referrer",
            "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
            "Cross-Origin-Opener-Policy": "same-origin",
            "Cross-Origin-Resource-Policy": "same-origin",
            "Strict-Transport-Security": "max-age=31536000",
          },
        ],
      ],
    );
  });

  it("are the landing page, the reference, and the one for what is not there", () => {
    assert.deepEqual(pages.toSorted(), ["404.html", "docs/index.html", "index.html"]);
  });

  for (const page of pages) {
    it(`link in ${page} to what is served alone`, () => {
      const links = [...read(page).matchAll(/(?:href|src)="([^"]*)"/g)].map(([, link]) => link as string);
      assert.ok(links.length > 0);
      assert.deepEqual(
        links.filter((link) => !link.startsWith("/docs/viewer/") && !isServed(link, page)),
        [],
      );
    });

    it(`have neither script nor style inside of ${page}`, () => {
      assert.doesNotMatch(read(page), /<style|<script(?![^>]* src=)|\sstyle=|\son\w+=/);
    });
  }

  it("name no other host", () => {
    for (const file of files) {
      const named = read(file)
        .replace('xmlns="http://www.w3.org/2000/svg"', "")
        .match(/(?:https?:|\/\/)[\w.-]+\.\w+|@import|url\(/);
      assert.equal(named, null, file);
    }
  });

  it("take of the viewer what the build copies", () => {
    const taken = [...read("docs/index.html").matchAll(/"\/docs\/viewer\/([^"]+)"/g)].map(([, file]) => file);
    const build = readFileSync(join(ROOT, "scripts", "build.ts"), "utf8");
    assert.deepEqual(
      taken.filter((file) => !build.includes(`"${file}"`)),
      [],
    );
  });
});
