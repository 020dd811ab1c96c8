// The view of what is served: a table of versions, and how shadowed versions agree.

import { byId, element, notice } from "./dom.js";
import { count, duration, milliseconds, percent } from "./format.js";
import { onLanguage, t } from "./i18n.js";
import { feed, reasonForNothing, stateKey } from "./state_feed.js";

const COLUMNS = ["model", "version", "labels", "state", "since", "requests", "errors", "p50", "p99"];
const NUMBERS = new Set(["version", "requests", "errors", "p50", "p99"]);

export class ModelsView {
  constructor() {
    this._isVisible = false;
    feed.listen(() => this._draw());
    onLanguage(() => this._draw());
  }

  show() {
    this._isVisible = true;
    this._draw();
  }

  hide() {
    this._isVisible = false;
  }

  refresh() {}

  _draw() {
    if (!this._isVisible || feed.state === null) return;
    const { state } = feed;
    const uptime = duration(state.uptime_seconds);
    byId("models-server").textContent = t("models.server", { server: state.server, uptime });
    const reason = reasonForNothing(state);
    byId("models-empty").replaceChildren(...(reason ? [notice(t(reason), "info")] : []));
    byId("models-table").replaceChildren(
      element("caption", { class: "visually-hidden" }, t("models.table")),
      element("thead", {}, headRow()),
      element("tbody", {}, ...state.models.flatMap(modelRows)),
    );
    byId("models-shadows").replaceChildren(...(state.shadow ?? []).map(shadowCard));
  }
}

function headRow() {
  const cells = COLUMNS.map((name) =>
    element("th", { scope: "col", class: NUMBERS.has(name) ? "number" : null }, t(`models.${name}`)),
  );
  return element("tr", {}, ...cells);
}

function modelRows(model) {
  const rows = model.versions.flatMap((version) => versionRows(model, version));
  if (model.errors_without_version > 0) {
    const values = { model: model.name, n: model.errors_without_version };
    rows.push(noteRow(t("models.unversioned", values), "hint"));
  }
  return rows;
}

function versionRows(model, version) {
  const labels = Object.entries(model.labels).filter(([, labelled]) => labelled === version.version);
  const latency = version.latency_ms;
  const number = (text) => element("td", { class: "number" }, text);
  const row = element(
    "tr",
    {},
    element("th", { scope: "row" }, model.name),
    number(String(version.version)),
    element("td", {}, ...labels.map(([label]) => element("span", { class: "tag" }, label))),
    element("td", {}, stateElement(version)),
    element("td", {}, duration(version.state_seconds)),
    number(count(version.requests)),
    number(count(version.errors)),
    number(milliseconds(latency?.p50)),
    number(milliseconds(latency?.p99)),
  );
  return version.error ? [row, noteRow(version.error, "problem-text")] : [row];
}

function noteRow(text, kind) {
  return element("tr", { class: "note-row" }, element("td", { colspan: COLUMNS.length }, element("div", { class: `note ${kind}` }, text)));
}

function stateElement(version) {
  const key = stateKey(version);
  // The sign differs too, for those who do not tell the colours apart.
  const [sign, kind] = SIGNS[key];
  return element("span", { class: `state ${kind}` }, element("span", { "aria-hidden": "true" }, sign), ` ${t(key)}`);
}

const SIGNS = {
  "state.START": ["○", "waiting"],
  "state.LOADING": ["◔", "waiting"],
  "state.AVAILABLE": ["●", "available"],
  "state.UNLOADING": ["◕", "waiting"],
  "state.END": ["–", "gone"],
  "state.FAILED": ["✕", "failed"],
};

function shadowCard(shadow) {
  const [of, to] = [shadow.of, shadow.to].map(named);
  const parts = [element("h3", {}, t("shadow.title", { model: shadow.model, of, to }))];
  if (shadow.compared === 0) parts.push(element("p", { class: "hint" }, t("shadow.none")));
  else {
    const agreement = element("strong", { class: "figure" }, percent(shadow.agreement));
    parts.push(element("p", {}, agreement, ` ${t("shadow.agreement")}`));
  }
  const compared = t("shadow.compared", { n: shadow.compared, share: percent(shadow.share) });
  const lost = t("shadow.dropped", { dropped: shadow.dropped, failed: shadow.failed });
  parts.push(element("p", { class: "hint" }, `${compared}${t("shadow.joined")}${lost}`));
  if (shadow.compared > 0) {
    const difference = t("shadow.difference", { d: (shadow.largest_difference * 100).toFixed(1) });
    parts.push(element("p", { class: "hint" }, difference));
  }
  return element("section", { class: "card shadow" }, ...parts);
}

function named({ version, label }) {
  if (label !== undefined) return label;
  return version === undefined ? t("shadow.latest") : `v${version}`;
}
