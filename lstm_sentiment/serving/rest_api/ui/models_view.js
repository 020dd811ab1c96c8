// The view of what is served: a table of versions, and how shadowed versions agree.

import { aboutVersion } from "./about.js";
import { byId, element, notice } from "./dom.js";
import { count, date, duration, milliseconds, percent } from "./format.js";
import { onLanguage, t } from "./i18n.js";
import { feed, reasonForNothing, stateKey } from "./state_feed.js";

const COLUMNS = ["model", "version", "labels", "state", "accuracy", "trained", "since", "requests", "errors", "p50", "p99"];
const FEW_TEXTS = 30;
const NUMBERS = new Set(["version", "accuracy", "requests", "errors", "p50", "p99"]);

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

  _askAbout(state) {
    for (const model of state.models) {
      for (const version of model.versions) {
        const key = keyOf(model, version);
        if (version.state !== "AVAILABLE" || abouts.has(key)) continue;
        abouts.set(key, null);
        aboutVersion(model.name, version.version).then(
          (about) => {
            abouts.set(key, about);
            this._draw();
          },
          () => abouts.delete(key),
        );
      }
    }
  }

  _draw() {
    if (!this._isVisible || feed.state === null) return;
    const { state } = feed;
    this._askAbout(state);
    const uptime = duration(state.uptime_seconds);
    byId("models-server").textContent = t("models.server", { server: state.server, uptime });
    const reason = reasonForNothing(state);
    byId("models-empty").replaceChildren(...(reason ? [notice(t(reason), "info")] : []));
    byId("models-table").replaceChildren(
      element("caption", { class: "visually-hidden" }, t("models.table")),
      element("thead", { role: "rowgroup" }, headRow()),
      element("tbody", { role: "rowgroup" }, ...state.models.flatMap(modelRows)),
    );
    byId("models-shadows").replaceChildren(...(state.shadow ?? []).map(shadowCard));
  }
}

const abouts = new Map(); // facts of versions, or null while they are asked for

function keyOf(model, version) {
  return JSON.stringify([feed.state.started, model.name, version.version]);
}

function headRow() {
  const cells = COLUMNS.map((name) =>
    element("th", { scope: "col", role: "columnheader", class: NUMBERS.has(name) ? "number" : null }, t(`models.${name}`)),
  );
  return element("tr", { role: "row" }, ...cells);
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
  const about = abouts.get(keyOf(model, version));
  const tags = labels.map(([label]) => element("span", { class: "tag" }, label));
  const cells = {
    version: String(version.version),
    labels: tags.length > 0 ? tags : null,
    state: stateElement(version),
    accuracy: about?.scores.accuracy === undefined ? null : percent(about.scores.accuracy),
    trained: about?.trained ? date(about.trained) : null,
    since: duration(version.state_seconds),
    requests: count(version.requests),
    errors: count(version.errors),
    p50: milliseconds(latency?.p50),
    p99: milliseconds(latency?.p99),
  };
  const head = element("th", { scope: "row", role: "rowheader" }, model.name);
  const row = element("tr", { role: "row" }, head, ...Object.entries(cells).map(([name, content]) => cell(name, content)));
  return version.error ? [row, noteRow(version.error, "problem-text")] : [row];
}

// On a phone each row is a card, and each cell stands beside the name of its column. The roles keep
// it a table for those who hear it.
function cell(name, content) {
  const kind = [NUMBERS.has(name) ? "number" : "", content === null ? "blank" : ""].filter(Boolean).join(" ");
  const label = element("span", { class: "cell-name", "aria-hidden": "true" }, t(`models.${name}`));
  const shown = Array.isArray(content) ? content : [content ?? ""];
  return element("td", { class: kind || null, role: "cell" }, label, element("span", {}, ...shown));
}

function noteRow(text, kind) {
  return element("tr", { class: "note-row", role: "row" }, element("td", { colspan: COLUMNS.length, role: "cell" }, element("div", { class: `note ${kind}` }, text)));
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
  const parts = [
    element("h3", {}, t("shadow.title", { model: shadow.model, of, to })),
    element("p", { class: "hint" }, t("shadow.lead", { of, to })),
  ];
  if (shadow.compared === 0) parts.push(element("p", { class: "hint" }, t("shadow.none")));
  else parts.push(...agreementParts(shadow));
  const compared = t("shadow.compared", { n: shadow.compared, share: percent(shadow.share) });
  const lost = t("shadow.dropped", { dropped: shadow.dropped, failed: shadow.failed });
  parts.push(element("p", { class: "hint" }, `${compared}${t("shadow.joined")}${lost}`));
  if (shadow.compared > 0) {
    const difference = t("shadow.difference", { d: (shadow.largest_difference * 100).toFixed(1) });
    parts.push(element("p", { class: "hint" }, difference));
  }
  return element("section", { class: "card shadow" }, ...parts);
}

// A share of few texts is no more than a hint.
function agreementParts({ agreed, compared }) {
  const [low, high] = wilsonInterval(agreed, compared).map(percent);
  const values = { agreed, n: compared, p: percent(agreed / compared), low, high };
  const isFew = compared < FEW_TEXTS;
  const parts = [element("p", { class: isFew ? "agreement few" : "agreement" }, t("shadow.agreement", values))];
  return isFew ? [...parts, element("p", { class: "hint" }, t("shadow.few"))] : parts;
}

// The 95% interval of a share by E. B. Wilson, as the command line has it.
export function wilsonInterval(right, texts) {
  const z = 1.959963984540054;
  const share = right / texts;
  const middle = (share + (z * z) / (2 * texts)) / (1 + (z * z) / texts);
  const reach = (z / (1 + (z * z) / texts)) * Math.sqrt((share * (1 - share)) / texts + (z * z) / (4 * texts * texts));
  return [Math.max(0, Math.min(share, middle - reach)), Math.min(1, Math.max(share, middle + reach))];
}

function named({ version, label }) {
  if (label !== undefined) return label;
  return version === undefined ? t("shadow.latest") : `v${version}`;
}
