/*
 * The API reference: Swagger UI on /v1/openapi.json, in a layout of our own. A plain script, as it is served.
 */

/** What Swagger UI leaves out, and a screen reader needs: attributes by selector. The title is the page's h1. */
const MENDED = [
  ["#servers", { "aria-label": "Server" }],
  [".examples-select-element", { "aria-label": "Example" }],
  [".operation-filter-input", { "aria-label": "Filter operations by tag or path" }],
  [".opblock-tag", { "aria-level": "2" }],
  [".models > h4", { "aria-level": "2" }],
  [".body-param__text", { "aria-label": "Request body" }],
  [".close-modal", { "aria-label": "Close" }],
  [".modal-ux", { role: "dialog", "aria-modal": "true", "aria-label": "Authorize" }],
  [".modal-ux-header h3", { "aria-level": "2" }],
  [".modal-ux h4", { "aria-level": "3" }],
  [".opblock h4", { "aria-level": "3" }],
  [".opblock h5", { "aria-level": "4" }],
  [".responses-table", { role: null }],
  [".live-responses-table .microlight, .curl-command .microlight", { tabindex: "0" }],
  [".json-schema-2020-12-accordion:has(> div:empty)", { "aria-label": "Schema" }],
  [".auth-btn-wrapper .auth[aria-label]", { "aria-label": null }],
];

function mend(root) {
  for (const [selector, attributes] of MENDED) {
    for (const element of root.querySelectorAll(selector)) {
      for (const [name, value] of Object.entries(attributes)) {
        if (value === null) element.removeAttribute(name);
        else if (element.getAttribute(name) !== value) element.setAttribute(name, value);
      }
    }
  }
}

/** Swagger UI's name for an operation, and the id of its element. */
const keyOf = (tag, operationId) => ["operations", tag, operationId];
const idOf = (key) => key.join("-").replaceAll(" ", "_");

/** @returns Swagger UI's plugin: its parts in landmarks, beside a list of all operations. */
function palmgate({ React: { createElement: h }, getComponent, specSelectors, layoutActions }) {
  const part = (name) => h(getComponent(name, true));

  /** Opens an operation, and goes on from there by keyboard. */
  const open = (event, tag, operationId) => {
    event.preventDefault();
    const key = keyOf(tag, operationId);
    layoutActions.show(["operations-tag", tag], true);
    layoutActions.show(key, true);
    requestAnimationFrame(() => {
      const element = document.getElementById(idOf(key));
      element?.scrollIntoView();
      element?.querySelector("button").focus({ preventScroll: true });
    });
  };

  const item = (tag, { operation, method }) => {
    const operationId = operation.get("operationId");
    const link = {
      href: `#/${encodeURIComponent(tag)}/${operationId}`,
      onClick: (event) => open(event, tag, operationId),
      className: operation.get("deprecated") ? "deprecated" : undefined,
    };
    const verb = h("span", { className: `verb ${method}` }, method);
    return h("li", { key: operationId }, h("a", link, h("span", null, operation.get("summary")), verb));
  };
  const group = (title, items) => h("div", { key: title }, h("h2", null, title), h("ul", null, items));

  const operationList = () => {
    const tags = specSelectors.taggedOperations().entrySeq().toArray();
    const webhooks = Object.values(specSelectors.selectWebhooksOperations()).flat();
    return h("nav", { className: "operation-list", "aria-label": "Operations" }, [
      ...tags.map(([tag, operations]) =>
        group(
          tag,
          operations.get("operations").map((one) => item(tag, one.toObject())),
        ),
      ),
      group(
        "Sent to you",
        webhooks.map((one) => item("webhooks", one.operation.toObject())),
      ),
    ]);
  };

  const Layout = () => {
    const state = specSelectors.loadingStatus();
    if (state !== "success") {
      const text = state === "failed" ? "/v1/openapi.json did not come: load the page again." : "Loading…";
      return h(
        "main",
        { className: "page", id: "content" },
        h("h1", null, "API reference"),
        h("p", null, text),
      );
    }
    return h(
      "div",
      { className: "swagger-ui" },
      operationList(),
      h(
        "main",
        { id: "content", tabIndex: -1 },
        part("SvgAssets"),
        part("errors"),
        part("InfoContainer"),
        h("div", { className: "bar" }, part("ServersContainer"), part("AuthorizeBtnContainer")),
        part("FilterContainer"),
        part("operations"),
        part("Webhooks"),
        part("Models"),
      ),
    );
  };
  // The original is a link inside of the operation's button.
  return { components: { Layout, DeepLink: ({ text }) => h("span", null, text) } };
}

const root = document.getElementById("reference");
new MutationObserver(() => mend(root)).observe(root, { childList: true, subtree: true });
// The address's fragment is the viewer's: it names the operation that is open.
document.querySelector(".skip").addEventListener("click", (event) => {
  event.preventDefault();
  document.getElementById("content")?.focus();
});

document.addEventListener("keydown", ({ key }) => {
  if (key === "Escape") root.querySelector(".close-modal")?.click();
});

globalThis.SwaggerUIBundle({
  url: "/v1/openapi.json",
  domNode: root,
  plugins: [palmgate],
  layout: "Layout",
  deepLinking: true,
  filter: true,
  tryItOutEnabled: true,
  displayRequestDuration: true,
  defaultModelsExpandDepth: 0,
  validatorUrl: null,
});
