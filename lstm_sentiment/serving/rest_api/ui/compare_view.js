// The view that asks two versions the same and marks where they differ.

import { inWords } from "./api.js";
import { answerParts, drawLegend } from "./answer_card.js";
import { answersOf } from "./answers.js";
import { Choice, pathOf } from "./choice.js";
import { byId, element, notice, say, tell } from "./dom.js";
import { t } from "./i18n.js";
import { LiveView } from "./live_view.js";
import { feed, reasonForNothing } from "./state_feed.js";
import { linesOf, MOST_TEXTS } from "./texts.js";

const SIDES = ["a", "b"];

export class CompareView extends LiveView {
  constructor() {
    super("compare", SIDES.map((side) => new Choice(byId(`compare-${side}`), PREFERRED[side])));
    this._only = byId("compare-only");
    this._only.addEventListener("change", () => this._draw());
    this._draw();
  }

  // {texts, isCut, sides: [{name, result or error}]}
  async _ask(signal) {
    const lines = linesOf(this._field.value);
    const texts = lines.slice(0, MOST_TEXTS);
    const isNobodyThere = this._choices.some(({ target }) => target === null);
    if (texts.length === 0 || isNobodyThere || reasonForNothing(feed.state)) return null;
    const asked = this._choices.map(({ target, version }) => answersOf(target, version, texts, { signal }));
    const outcomes = await Promise.allSettled(asked);
    signal.throwIfAborted();
    const isCut = lines.length > texts.length;
    return { texts, isCut, sides: outcomes.map((outcome, side) => ({ ...this._nameOf(side), ...outcome })) };
  }

  _nameOf(side) {
    const { target, version } = this._choices[side];
    const asked = decodeURIComponent(pathOf(target)).replace(/^v1\/models\//, "");
    return { letter: SIDES[side].toUpperCase(), name: version === null ? asked : `${target.model} v${version}` };
  }

  _tellFailure(error) {
    tell(this._problem, inWords(error));
  }

  _draw() {
    this._field.placeholder = t("texts.placeholder");
    const shown = this._shown;
    const isExplained = shown !== null && shown.sides.some(({ value }) => value?.isExplained);
    drawLegend(byId("compare-legend"), isExplained);
    if (shown === null) {
      this._results.replaceChildren();
      const reason = feed.state === null ? null : reasonForNothing(feed.state);
      say(byId("compare-status"), this._hasFailed ? "" : t(reason ?? "texts.empty"));
      return;
    }
    const differing = shown.texts.filter((_, index) => differs(shown, index)).length;
    const items = shown.texts.map((text, index) => this._pair(text, index)).filter(Boolean);
    this._results.replaceChildren(...items);
    say(byId("compare-status"), this._status(shown, differing));
  }

  _status(shown, differing) {
    if (shown.sides.some(({ status }) => status === "rejected")) return "";
    const notes = [t("compare.summary", { n: shown.texts.length, differing })];
    if (this._only.checked && differing === 0) notes.push(t("compare.none_differ"));
    if (shown.isCut) notes.push(t("texts.too_many", { n: MOST_TEXTS }));
    return notes.join(" ");
  }

  _pair(text, index) {
    const shown = this._shown;
    const isComparable = shown.sides.every(({ status }) => status === "fulfilled");
    const isDifferent = isComparable && differs(shown, index);
    if (this._only.checked && isComparable && !isDifferent) return null;
    const sides = shown.sides.map((side) => sideElement(side, text, index));
    const head = isComparable ? pairHead(shown, index, isDifferent) : null;
    const parts = [head, element("div", { class: "sides" }, ...sides)].filter(Boolean);
    return element("li", { class: isDifferent ? "card answer pair differs" : "card answer pair" }, ...parts);
  }
}

const PREFERRED = {
  // What is in use, and what may come after it.
  a: (state) => {
    const model = state.models[0];
    if (!model) return null;
    if ("stable" in model.labels) return { model: model.name, kind: "label", name: "stable" };
    const available = model.versions.filter((each) => each.state === "AVAILABLE");
    return available.length > 1 ? { model: model.name, kind: "version", name: String(available[1].version) } : null;
  },
  b: () => null,
};

function pairHead(shown, index, isDifferent) {
  const mark = isDifferent ? "≠" : "=";
  const words = t(isDifferent ? "compare.differs" : "compare.same");
  const delta = largestDifference(shown, index);
  return element(
    "p",
    { class: "pair-head" },
    element("span", { class: isDifferent ? "mark differs" : "mark" }, element("span", { "aria-hidden": "true" }, mark), ` ${words}`),
    delta === null ? null : element("span", { class: "hint" }, t("compare.delta", { d: (delta * 100).toFixed(1) })),
  );
}

function sideElement(side, text, index) {
  const title = element("h3", { class: "side-title" }, element("span", { class: "side-name" }, side.letter), ` ${side.name}`);
  if (side.status === "rejected") return element("section", {}, title, notice(inWords(side.reason)));
  const { answers, classNames } = side.value;
  return element("section", {}, title, ...answerParts(text, answers[index], classNames).filter(Boolean));
}

function differs({ sides }, index) {
  const [a, b] = sides.map(({ value }) => value?.answers[index].label);
  return a !== b;
}

// Of a class's probabilities by both; null where their classes are not the same.
function largestDifference({ sides }, index) {
  const [a, b] = sides.map(({ value }) => value);
  const [pa, pb] = [a, b].map(({ answers }) => answers[index].probabilities);
  if (pa.length !== pb.length || JSON.stringify(a.classNames) !== JSON.stringify(b.classNames)) return null;
  return Math.max(...pa.map((p, i) => Math.abs(p - pb[i])));
}
