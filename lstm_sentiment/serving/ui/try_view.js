// The view to try texts in: one version, its answers as one types.

import { inWords } from "./api.js";
import { answerParts, drawLegend } from "./answer_card.js";
import { answersOf } from "./answers.js";
import { asksAtOnce, Asking } from "./asking.js";
import { Choice } from "./choice.js";
import { byId, element, say, tell } from "./dom.js";
import { language, onLanguage, t } from "./i18n.js";
import { feed, reasonForNothing } from "./state_feed.js";
import { EXAMPLES } from "./strings.js";
import { linesOf, MOST_TEXTS, setTexts, shareTexts } from "./texts.js";

export class TryView {
  constructor() {
    this._field = byId("try-texts");
    this._results = byId("try-results");
    this._shown = null; // {texts, isCut, result}
    this._isVisible = false;
    this._isStale = true;
    this._hasFailed = false;
    this.choice = new Choice(byId("try-choice"));
    this._asking = new Asking({
      question: (signal) => this._ask(signal),
      answered: (shown) => this._take(shown),
      failed: (error) => this._fail(error),
      busy: (isBusy) => this._results.setAttribute("aria-busy", String(isBusy)),
    });
    shareTexts(this._field, () => this._later());
    this._field.addEventListener("keydown", (event) => {
      if (asksAtOnce(event)) this._asking.now();
    });
    this.choice.listen(() => this._atOnce());
    onLanguage(() => this._draw());
    feed.listen(() => {
      if (this._shown === null) this._draw(); // what there is to wait for may be another thing now
    });
    byId("try-examples").addEventListener("click", () => this._addExamples());
    this._draw();
  }

  show() {
    this._isVisible = true;
    if (this._isStale) this._asking.now();
  }

  hide() {
    this._isVisible = false;
  }

  refresh() {
    this._atOnce();
  }

  _later() {
    this._isStale = true;
    if (this._isVisible) this._asking.soon();
  }

  _atOnce() {
    this._isStale = true;
    if (this._isVisible) this._asking.now();
  }

  async _ask(signal) {
    const lines = linesOf(this._field.value);
    const texts = lines.slice(0, MOST_TEXTS);
    const { target, version } = this.choice;
    if (texts.length === 0 || target === null || reasonForNothing(feed.state)) return null;
    const result = await answersOf(target, version, texts, { signal });
    return { texts, isCut: lines.length > texts.length, result };
  }

  _take(shown) {
    this._isStale = false;
    this._hasFailed = false;
    this._shown = shown;
    tell(byId("try-problem"), "");
    this._draw();
  }

  _fail(error) {
    this._shown = null;
    this._hasFailed = true;
    this._draw();
    // Whoever has no token, or no server, is told so above.
    const isToldAbove = error.kind === "unauthorized" || error.kind === "unreachable";
    tell(byId("try-problem"), isToldAbove ? "" : inWords(error));
    if (isToldAbove) feed.look();
  }

  _draw() {
    this._field.placeholder = t("texts.placeholder");
    const shown = this._shown;
    drawLegend(byId("try-legend"), shown !== null && shown.result.isExplained);
    const open = new Set([...this._results.querySelectorAll("details[open]")].map(placeOf));
    if (shown === null) {
      this._results.replaceChildren();
      say(byId("try-status"), this._hasFailed ? "" : t(reason() ?? "texts.empty"));
      return;
    }
    const { answers, classNames, isExplained } = shown.result;
    this._results.replaceChildren(
      ...shown.texts.map((text, index) =>
        element("li", { class: "card answer" }, ...answerParts(text, answers[index], classNames).filter(Boolean)),
      ),
    );
    for (const details of this._results.querySelectorAll("details")) {
      details.open = open.has(placeOf(details));
    }
    const notes = [summary(answers)];
    if (!isExplained) notes.push(t("answer.no_explain"));
    if (shown.isCut) notes.push(t("texts.too_many", { n: MOST_TEXTS }));
    say(byId("try-status"), notes.join(" "));
  }

  _addExamples() {
    const lines = linesOf(this._field.value);
    const missing = EXAMPLES[language()].filter((text) => !lines.includes(text));
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

function summary(answers) {
  const counts = new Map();
  for (const { label } of answers) counts.set(label, (counts.get(label) ?? 0) + 1);
  const labels = [...counts].map(([label, n]) => t("texts.label_count", { label, n })).join(t("texts.joined"));
  return t("texts.summary", { n: answers.length, labels });
}
