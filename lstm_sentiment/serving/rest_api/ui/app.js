// The page: which view is shown, what is known of the server, and the token it may ask for.

import { inWords, isTokenWellFormed, hasToken, setToken } from "./api.js";
import { CompareView } from "./compare_view.js";
import { byId, say, tell } from "./dom.js";
import { FileView } from "./file_view.js";
import { onLanguage, setLanguage, t, translateDocument } from "./i18n.js";
import { startLinks } from "./links.js";
import { ModelsView } from "./models_view.js";
import { feed } from "./state_feed.js";
import { TryView } from "./try_view.js";

translateDocument();
const views = { try: new TryView(), compare: new CompareView(), file: new FileView(), models: new ModelsView() };
let shown = null;

// #try?model=sentiment&label=stable: which view, and whom "try" asks.
function route() {
  const [name, query] = location.hash.slice(1).split("?");
  const view = name in views ? name : "try";
  const target = targetOf(new URLSearchParams(query));
  if (view === "try" && target) views.try.choice.target = target;
  if (view === shown) return;
  const isFirst = shown === null;
  shown = view;
  for (const each of Object.keys(views)) {
    byId(`view-${each}`).hidden = each !== view;
    if (each !== view) views[each].hide();
  }
  for (const link of document.querySelectorAll("[data-view]")) {
    if (link.dataset.view === view) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  views[view].show();
  // Whoever follows a link by keyboard or hears the page goes on from where it led.
  if (!isFirst) byId(`${view}-title`).focus();
}

function targetOf(query) {
  const model = query.get("model");
  if (!model) return null;
  if (query.has("label")) return { model, kind: "label", name: query.get("label") };
  if (query.has("version")) return { model, kind: "version", name: query.get("version") };
  return { model, kind: "latest", name: "" };
}

function showTarget() {
  const { target } = views.try.choice;
  if (shown !== "try" || target === null) return;
  const query = new URLSearchParams({ model: target.model });
  if (target.kind !== "latest") query.set(target.kind, target.name);
  history.replaceState(null, "", `#try?${query}`);
}

let hadProblem = false;

function drawServerProblem() {
  const { problem } = feed;
  const needsToken = problem?.kind === "unauthorized";
  tell(byId("server-problem"), problem === null || needsToken ? "" : inWords(problem));
  const form = byId("token-form");
  document.body.classList.toggle("locked", needsToken);
  if (needsToken && form.hidden) {
    form.hidden = false;
    byId("token").focus();
  }
  if (needsToken) say(byId("token-problem"), hasToken() ? t("token.refused") : "");
  else if (problem === null) form.hidden = true;
}

function askAgainAfterProblem() {
  const isOver = hadProblem && feed.problem === null;
  hadProblem = feed.problem !== null;
  if (isOver) for (const view of Object.values(views)) view.refresh();
}

byId("token-form").addEventListener("submit", async (event) => {
  event.preventDefault();
  const token = byId("token").value.trim();
  if (!isTokenWellFormed(token)) {
    say(byId("token-problem"), t("token.malformed"));
    return;
  }
  setToken(token);
  byId("token").value = "";
  await feed.look();
  if (feed.problem === null) byId(`${shown}-title`).focus();
});

for (const button of document.querySelectorAll("[data-language]")) {
  button.addEventListener("click", () => setLanguage(button.dataset.language));
}
byId("theme").addEventListener("click", () => {
  const { names, current } = globalThis.lstmSentimentTheme;
  globalThis.lstmSentimentTheme.choose(names[(names.indexOf(current) + 1) % names.length]);
  drawTheme();
});

function drawTheme() {
  const { current } = globalThis.lstmSentimentTheme;
  const name = t(`theme.${current}`);
  const button = byId("theme");
  button.textContent = { system: "◐", light: "☀", dark: "☾" }[current];
  button.setAttribute("aria-label", name);
  button.title = name;
}

byId("main").previousElementSibling.querySelector("nav").addEventListener("click", (event) => {
  // A second click on a view leads to its beginning as well.
  const link = event.target.closest("[data-view]");
  if (link?.dataset.view === shown) byId(`${shown}-title`).focus();
});
// A link to a part of this page would otherwise be taken for the name of a view.
document.querySelector(".skip").addEventListener("click", (event) => {
  event.preventDefault();
  byId("main").focus();
});

onLanguage(drawServerProblem);
onLanguage(drawTheme);
drawTheme();
feed.listen(drawServerProblem);
feed.listen(askAgainAfterProblem);
views.try.choice.listen(showTarget);
window.addEventListener("hashchange", route);
route();
startLinks();
feed.start();
