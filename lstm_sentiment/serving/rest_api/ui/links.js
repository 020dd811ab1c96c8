// Where programs find what this page shows.

import { ask, hasToken, urlOf } from "./api.js";
import { byId, element } from "./dom.js";
import { onLanguage, t } from "./i18n.js";
import { feed } from "./state_feed.js";

const OPEN = [["links.openapi", "openapi.json"]];
const GUARDED = [
  ["links.models", "v1/models"],
  ["links.state", "state"],
];

let metrics = null; // the path of the page of metrics, if there is one
let isAsked = false;

export function startLinks() {
  onLanguage(draw);
  feed.listen(async () => {
    if (feed.state === null || isAsked) return;
    isAsked = true;
    draw();
    metrics = await pathOfMetrics();
    draw();
  });
}

async function pathOfMetrics() {
  try {
    const { paths } = await ask("openapi.json");
    const found = Object.entries(paths).find(([, { get }]) => get?.operationId === "metrics");
    return found?.[0].slice(1) ?? null;
  } catch {
    return null; // another server, say
  }
}

// A link carries no token, so that only what needs none can be followed.
function draw() {
  if (!isAsked) return;
  const guarded = metrics === null ? GUARDED : [...GUARDED, ["links.metrics", metrics]];
  const shown = hasToken() ? OPEN : [...OPEN, ...guarded];
  byId("links").replaceChildren(
    ...shown.map(([key, path]) => element("li", {}, element("a", { href: urlOf(path) }, t(key)))),
  );
}
