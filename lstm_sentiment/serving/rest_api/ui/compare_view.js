// The view that asks two versions the same, and shows first where they differ.

import { examplesOf } from "./about.js";
import { inWords } from "./api.js";
import { badge, drawLegend, knownNote, probabilityBars, weights } from "./answer_card.js";
import { answersOf, knowledgeOf } from "./answers.js";
import { Choice, pathOf } from "./choice.js";
import { byId, element, notice, say, tell } from "./dom.js";
import { joined, t } from "./i18n.js";
import { LiveView } from "./live_view.js";
import { feed, reasonForNothing } from "./state_feed.js";
import { linesOf } from "./texts.js";
import { shadedText } from "./tokens.js";

const SIDES = ["a", "b"];
const MOST_COMPARED = 200;

export class CompareView extends LiveView {
  constructor() {
    super("compare", SIDES.map((side) => new Choice(byId(`compare-${side}`), PREFERRED[side])));
    this._only = byId("compare-only");
    this._only.addEventListener("change", () => this._draw());
    this._draw();
  }

  // {texts, isExample, isCut, sides: [{letter, name, status, value or reason}]}
  async _ask(signal) {
    const isNobodyThere = this._choices.some(({ target }) => target === null);
    if (isNobodyThere || reasonForNothing(feed.state) || this._isOneVersion()) return null;
    const [{ target: of, version: first }] = this._choices;
    const lines = linesOf(this._field.value);
    const isExample = lines.length === 0;
    const texts = isExample ? examplesOf((await knowledgeOf(of, first, signal)).about) : lines.slice(0, MOST_COMPARED);
    if (texts.length === 0) return null;
    const asked = this._choices.map(({ target, version }) => answersOf(target, version, texts, { signal, remember: true }));
    const outcomes = await Promise.allSettled(asked);
    signal.throwIfAborted();
    const isCut = lines.length > texts.length;
    const sides = outcomes.map((outcome, side) => ({ ...this._nameOf(side), ...outcome }));
    return { texts, isExample, isCut, sides: coloured(sides) };
  }

  // Its answers would all be the same.
  _isOneVersion() {
    const [a, b] = this._choices;
    return a.version !== null && a.version === b.version && a.target?.model === b.target?.model;
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
    byId("compare-tools").hidden = shown === null;
    if (shown === null) {
      this._results.replaceChildren();
      say(byId("compare-status"), this._hasFailed ? "" : t(this._reason()));
      return;
    }
    const order = [...shown.texts.keys()].sort((a, b) => weightOf(shown, b) - weightOf(shown, a));
    const items = order.map((index) => this._pair(shown.texts[index], index)).filter(Boolean);
    this._results.replaceChildren(...items);
    say(byId("compare-status"), this._status(shown));
  }

  _reason() {
    if (feed.state === null) return "texts.empty";
    const isAlone = this._isOneVersion() && versionsOf(feed.state) < 2;
    return reasonForNothing(feed.state) ?? (isAlone ? "compare.one" : this._isOneVersion() ? "compare.same_version" : "texts.empty");
  }

  _status(shown) {
    const failed = shown.sides.filter(({ status }) => status === "rejected");
    if (failed.length > 0) return "";
    const differing = shown.texts.filter((_, index) => differs(shown, index)).length;
    const notes = [t("compare.summary", { n: shown.texts.length, differing })];
    if (shown.isExample) notes.unshift(t("texts.examples"));
    if (this._only.checked && differing === 0) notes.push(t("compare.none_differ"));
    if (shown.isCut) notes.push(t("texts.too_many", { n: MOST_COMPARED }));
    return joined(notes);
  }

  _pair(text, index) {
    const shown = this._shown;
    const isComparable = areComparable(shown);
    const isDifferent = isComparable && differs(shown, index);
    if (this._only.checked && isComparable && !isDifferent) return null;
    return element(
      "li",
      { class: isDifferent ? "card answer pair differs" : "card answer pair" },
      isComparable ? pairHead(shown, index, isDifferent) : null,
      element("p", { class: "tokens" }, text),
      element("div", { class: "sides" }, ...shown.sides.map((side) => sideElement(side, text, index))),
      wordsOf(shown, text, index),
    );
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

function versionsOf(state) {
  return state.models.flatMap(({ versions }) => versions).filter((each) => each.state === "AVAILABLE").length;
}

// A class that both have is of one colour on both sides, whatever its place among the others.
function coloured([a, b]) {
  const [first, second] = [a, b].map(({ value }) => value?.classNames);
  if (!first || !second) return [a, b];
  const others = second.filter((name) => !first.includes(name));
  const hues = second.map((name) => (first.includes(name) ? first.indexOf(name) : first.length + others.indexOf(name)));
  return [a, { ...b, value: { ...b.value, hues } }];
}

function areComparable({ sides }) {
  return sides.every(({ status }) => status === "fulfilled");
}

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

function sideTitle({ letter, name }) {
  return element("h3", { class: "side-title" }, element("span", { class: "side-name" }, letter), element("span", { class: "side-version visually-hidden" }, ` ${name}`));
}

function sideElement(side, text, index) {
  if (side.status === "rejected") return element("section", {}, sideTitle(side), notice(inWords(side.reason)));
  const answer = side.value.answers[index];
  return element(
    "section",
    {},
    element("div", { class: "side-head" }, sideTitle(side), badge(answer, side.value)),
    ...probabilityBars(answer, side.value),
    knownNote(text, answer, side.value),
  );
}

// What led each version to its answer: on demand, for it holds the text twice more.
function wordsOf({ sides }, text, index) {
  const explained = sides.filter(({ value }) => value?.isExplained);
  if (explained.length === 0) return null;
  const parts = explained.map((side) => {
    const answer = side.value.answers[index];
    return element("section", {}, sideTitle(side), shadedText(text, answer.tokens, answer.attributions), weights(answer));
  });
  return element("details", { class: "more words" }, element("summary", {}, t("compare.words")), element("div", { class: "sides" }, ...parts));
}

function differs({ sides }, index) {
  const [a, b] = sides.map(({ value }) => value?.answers[index].label);
  return a !== b;
}

// Other labels come first, then the probabilities that are furthest apart.
function weightOf(shown, index) {
  if (!areComparable(shown)) return 0;
  return (differs(shown, index) ? 2 : 0) + (largestDifference(shown, index) ?? 0);
}

// Of a class's probabilities by both; null where their classes are not the same.
function largestDifference({ sides }, index) {
  const [a, b] = sides.map(({ value }) => value);
  const [pa, pb] = [a, b].map(({ answers }) => answers[index].probabilities);
  if (pa.length !== pb.length || JSON.stringify(a.classNames) !== JSON.stringify(b.classNames)) return null;
  return Math.max(...pa.map((p, i) => Math.abs(p - pb[i])));
}
