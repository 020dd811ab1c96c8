// The answers for a file: how many texts have each label, how sure the answers are, and the rows,
// least sure first if one wants to check by hand.

import { classColour, labelName } from "./about.js";
import { badge, bar, classOf } from "./answer_card.js";
import { byId, element } from "./dom.js";
import { count, percent } from "./format.js";
import { onLanguage, t } from "./i18n.js";

const SHOWN_ROWS = 50;
const STEPS = [0, 0.6, 0.8, 0.95]; // of the probability of the label

export class FileResults {
  constructor() {
    this._run = null;
    this._most = SHOWN_ROWS;
    byId("file-order").addEventListener("change", () => this._redraw());
    byId("file-label").addEventListener("change", () => this._redraw());
    byId("file-more").addEventListener("click", () => {
      this._most += SHOWN_ROWS;
      this._drawRows();
    });
    onLanguage(() => this._run && this._draw());
  }

  // `run` is null where there is nothing to show.
  show(run, rows, column) {
    if (run !== this._run) this._most = SHOWN_ROWS;
    this._run = run;
    this._rows = rows;
    this._column = column;
    this._draw();
  }

  get _result() {
    return { about: this._run.about ?? null };
  }

  _draw() {
    const scored = scoredOf(this._run);
    byId("file-results").hidden = scored.length === 0;
    if (scored.length === 0) return;
    const labels = countsOf(scored.map(({ score }) => score));
    const chosen = byId("file-label").value;
    byId("file-label").replaceChildren(
      element("option", { value: "" }, t("file.all_labels")),
      ...labels.map(({ label }) => element("option", { value: label }, this._name(label))),
    );
    byId("file-label").value = labels.some(({ label }) => label === chosen) ? chosen : "";
    byId("file-summary").replaceChildren(
      ...labels.map(({ label, n, index }, place) =>
        bar(this._name(label), n / scored.length, shareOf(n, scored.length), place === 0, index),
      ),
    );
    byId("file-sureness").replaceChildren(...surenessBars(scored.map(({ score }) => score)));
    this._drawRows();
  }

  _redraw() {
    this._most = SHOWN_ROWS;
    this._drawRows();
  }

  _name(label) {
    return labelName(this._result.about, label);
  }

  _drawRows() {
    const label = byId("file-label").value;
    const order = ORDERS[byId("file-order").value];
    const chosen = scoredOf(this._run).filter(({ score }) => label === "" || score.label === label);
    if (order !== null) chosen.sort((a, b) => order(sureness(a.score), sureness(b.score)));
    const rows = chosen.slice(0, this._most).map((each) => this._row(each));
    const head = ["texts.number", "answer.text", "answer.label", "answer.probability"].map((key, index) =>
      element("th", { scope: "col", class: index % 3 === 0 ? "number" : null }, t(key)),
    );
    byId("file-rows").replaceChildren(
      element("caption", { class: "visually-hidden" }, t("results")),
      element("thead", {}, element("tr", {}, ...head)),
      element("tbody", {}, ...rows),
    );
    const hidden = chosen.length - rows.length;
    byId("file-more").hidden = hidden === 0;
    byId("file-more").textContent = t("texts.more", { n: Math.min(hidden, SHOWN_ROWS) });
  }

  _row({ score, index }) {
    return element(
      "tr",
      {},
      element("td", { class: "number" }, count(index + 1)),
      element("td", { class: "text-cell" }, this._rows[index][this._column] ?? ""),
      element("td", {}, badge(score, this._result)),
      element("td", { class: "number" }, percent(sureness(score))),
    );
  }
}

const ORDERS = { file: null, least: (a, b) => a - b, most: (a, b) => b - a };

function sureness({ probabilities }) {
  return Math.max(...probabilities);
}

function scoredOf(run) {
  const found = [];
  for (const [index, score] of (run?.scores ?? []).entries()) {
    if (score?.label !== undefined) found.push({ score, index });
  }
  return found;
}

// The most frequent first.
function countsOf(scores) {
  const counts = new Map();
  for (const score of scores) {
    const found = counts.get(score.label) ?? { label: score.label, n: 0, index: classOf(score) };
    found.n += 1;
    counts.set(score.label, found);
  }
  return [...counts.values()].sort((a, b) => b.n - a.n);
}

function surenessBars(scores) {
  const counts = STEPS.map(() => 0);
  for (const score of scores) counts[STEPS.findLastIndex((step) => sureness(score) >= step)] += 1;
  return counts.map((n, place) => {
    const row = bar(stepName(place), n / scores.length, shareOf(n, scores.length), false, 0);
    row.classList.replace(classColour(0), "plain");
    return row;
  });
}

function stepName(place) {
  const [from, to] = [STEPS[place], STEPS[place + 1]].map((share) => Math.round((share ?? 0) * 100));
  if (place === 0) return t("file.below", { to });
  return place === STEPS.length - 1 ? t("file.above", { from }) : t("file.between", { from, to });
}

function shareOf(n, total) {
  return t("file.share", { n, p: percent(n / total) });
}
