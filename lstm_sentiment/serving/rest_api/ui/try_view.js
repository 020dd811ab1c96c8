// The view to try texts in: one version, its answers as one types.

import { examplesOf, labelName } from "./about.js";
import { drawAbout, drawTitle } from "./about_card.js";
import { inWords } from "./api.js";
import { answerParts, badge, drawLegend } from "./answer_card.js";
import { answersOf, knowledgeOf } from "./answers.js";
import { Choice } from "./choice.js";
import { byId, element, say, tell } from "./dom.js";
import { download } from "./download.js";
import { percent } from "./format.js";
import { joined, t } from "./i18n.js";
import { LiveView } from "./live_view.js";
import { scoreTexts, waiting } from "./scoring.js";
import { feed, reasonForNothing } from "./state_feed.js";
import { scoredCsv } from "./table_file.js";
import { linesOf, MOST_SHOWN, MOST_TEXTS, setTexts } from "./texts.js";

const FOCUSABLE = "summary, button";

export class TryView extends LiveView {
  constructor() {
    const choice = new Choice(byId("try-choice"));
    super("try", [choice]);
    this.choice = choice;
    this._most = MOST_SHOWN; // how many answers are cards
    this._about = null;
    this._classNames = null;
    byId("try-about").open = matchMedia("(min-width: 60rem)").matches;
    byId("try-examples").addEventListener("click", () => this._addExamples());
    byId("try-more").addEventListener("click", () => this._showMore());
    byId("try-download").addEventListener("click", () => this._download());
    byId("try-as-table").addEventListener("change", () => this._draw());
    this._draw();
  }

  // {texts, isExample, isCut, scores, target, version, result}; `scores` has an answer, an error or
  // nothing yet for each text.
  async _ask(signal) {
    const { target, version } = this.choice;
    if (target === null || reasonForNothing(feed.state)) return null;
    const { about, classNames } = await knowledgeOf(target, version, signal);
    Object.assign(this, { _about: about, _classNames: classNames });
    this._drawVersion();
    const lines = linesOf(this._field.value);
    const isExample = lines.length === 0;
    const texts = isExample ? examplesOf(about) : lines.slice(0, MOST_TEXTS);
    if (texts.length === 0) return null;
    const first = texts.slice(0, this._most);
    const result = await answersOf(target, version, first, { signal, remember: true });
    const scores = Array.from(texts, (_, index) => result.answers[index]);
    const shown = { texts, isExample, isCut: lines.length > texts.length, scores, target, version, result };
    if (first.length < texts.length) await this._askRest(shown, signal);
    return shown;
  }

  // Those beyond the cards are answered in batches, without the weight of each word.
  async _askRest(shown, signal) {
    const { texts, scores, target, version } = shown;
    const draw = () => {
      signal.throwIfAborted();
      this._take(shown);
    };
    draw();
    await scoreTexts({
      texts,
      indices: [...texts.keys()],
      scores,
      ask: async (batch) => (await answersOf(target, version, batch, { signal, explain: false, remember: true })).answers,
      onProgress: draw,
      onWait: () => {},
      wait: waiting(signal),
    });
  }

  _tellFailure(error) {
    // Whoever has no token, or no server, is told so above.
    const isToldAbove = error.kind === "unauthorized" || error.kind === "unreachable";
    tell(this._problem, isToldAbove ? "" : inWords(error));
    if (isToldAbove) feed.look();
  }

  _draw() {
    const shown = this._shown;
    this._field.placeholder = t("texts.placeholder");
    this._drawVersion();
    const isTable = byId("try-as-table").checked && shown !== null && !shown.isExample;
    drawLegend(byId("try-legend"), shown !== null && shown.result.isExplained && !isTable);
    byId("try-tools").hidden = shown === null || shown.isExample;
    byId("try-table-region").hidden = !isTable;
    this._results.hidden = isTable;
    byId("try-more").hidden = true;
    if (shown === null) {
      this._results.replaceChildren();
      say(byId("try-status"), this._hasFailed ? "" : t(reason() ?? "texts.empty"));
      return;
    }
    if (isTable) byId("try-table").replaceChildren(...tableParts(shown));
    else this._drawCards(shown);
    say(byId("try-status"), joined(notesOn(shown)));
  }

  _drawVersion() {
    drawTitle(byId("try-title"), this.choice.target, this._about, this._classNames);
    drawAbout(byId("try-about"), byId("try-about-summary"), byId("try-facts"), this._about);
    byId("try-examples").hidden = this._about === null || examplesOf(this._about).length === 0;
  }

  _drawCards({ texts, scores, result, target, version }) {
    const pinned = version === null ? target : { model: target.model, kind: "version", name: String(version) };
    const open = new Set([...this._results.querySelectorAll("details[open]")].map(placeOf));
    const cards = texts.slice(0, this._most).map((text, index) => {
      const { error } = scores[index] ?? {};
      const parts = error === undefined ? answerParts(text, scores[index], result, pinned) : refusedParts(text, error);
      return element("li", { class: "card answer" }, ...parts);
    });
    const focused = [...this._results.querySelectorAll(FOCUSABLE)].indexOf(document.activeElement);
    this._results.replaceChildren(...cards);
    for (const details of this._results.querySelectorAll("details")) {
      details.open = open.has(placeOf(details));
    }
    // Whoever works by keyboard stays where they were.
    if (focused >= 0) this._results.querySelectorAll(FOCUSABLE)[focused]?.focus();
    const hidden = texts.length - cards.length;
    byId("try-more").hidden = hidden === 0;
    byId("try-more").textContent = t("texts.more", { n: Math.min(hidden, MOST_SHOWN) });
  }

  _showMore() {
    const before = this._most;
    this._most += MOST_SHOWN;
    this._asking.now().then(() => {
      const card = this._results.children[before];
      card?.setAttribute("tabindex", "-1");
      card?.focus();
    });
  }

  _download() {
    const { texts, scores, target, version, result } = this._shown;
    const pieces = scoredCsv({
      names: ["text"],
      rows: texts.map((text) => [text]),
      scores,
      classNames: result.classNames,
    });
    download(pieces, `texts.${target.model}-${version ?? target.name}.scored.csv`);
  }

  _addExamples() {
    const lines = linesOf(this._field.value);
    const missing = examplesOf(this._about).filter((text) => !lines.includes(text));
    setTexts([...lines, ...missing].join("\n"));
    this._asking.now();
    this._field.focus();
  }
}

function reason() {
  return feed.state === null ? null : reasonForNothing(feed.state);
}

// The how-manieth answer a part is of, and what part.
function placeOf(details) {
  const item = details.closest("li.answer");
  return `${[...item.parentNode.children].indexOf(item)} ${details.className}`;
}

function refusedParts(text, error) {
  return [element("p", { class: "tokens" }, text), element("p", { class: "problem-text" }, t("error.said", { message: error, status: 400 }))];
}

function notesOn({ texts, isExample, isCut, scores, result }) {
  const answers = scores.filter((score) => score?.label !== undefined);
  const refused = scores.filter((score) => score?.error !== undefined).length;
  const notes = [isExample ? t("texts.examples") : summary(answers, result.about)];
  if (answers.length + refused < texts.length) notes.push(t("texts.going_on", { done: answers.length, n: texts.length }));
  if (refused > 0) notes.push(t("texts.refused", { n: refused }));
  if (!result.isExplained) notes.push(t("answer.no_explain"));
  if (isCut) notes.push(t("texts.too_many", { n: MOST_TEXTS }));
  return notes;
}

function summary(answers, about) {
  const counts = new Map();
  for (const { label } of answers) counts.set(label, (counts.get(label) ?? 0) + 1);
  const labels = [...counts]
    .map(([label, n]) => t("texts.label_count", { label: labelName(about, label), n }))
    .join(t("texts.joined"));
  return t("texts.summary", { n: answers.length, labels });
}

function tableParts({ texts, scores, result }) {
  const head = ["texts.number", "answer.text", "answer.label", "answer.probability"].map((key, index) =>
    element("th", { scope: "col", class: index % 3 === 0 ? "number" : null }, t(key)),
  );
  const rows = texts.map((text, index) => {
    const score = scores[index];
    const isAnswered = score?.label !== undefined;
    return element(
      "tr",
      {},
      element("td", { class: "number" }, String(index + 1)),
      element("td", { class: "text-cell" }, text),
      element("td", {}, isAnswered ? badge(score, result) : (score?.error ?? "…")),
      element("td", { class: "number" }, isAnswered ? percent(Math.max(...score.probabilities)) : ""),
    );
  });
  return [
    element("caption", { class: "visually-hidden" }, t("results")),
    element("thead", {}, element("tr", {}, ...head)),
    element("tbody", {}, ...rows),
  ];
}
