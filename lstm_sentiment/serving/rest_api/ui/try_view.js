// The view to try texts in: one version, its answers as one types.

import { inWords } from "./api.js";
import { answerParts, drawLegend } from "./answer_card.js";
import { answersOf } from "./answers.js";
import { Choice } from "./choice.js";
import { byId, element, say, tell } from "./dom.js";
import { language, t } from "./i18n.js";
import { LiveView } from "./live_view.js";
import { feed, reasonForNothing } from "./state_feed.js";
import { EXAMPLES } from "./strings.js";
import { linesOf, MOST_TEXTS, setTexts } from "./texts.js";

export class TryView extends LiveView {
  constructor() {
    const choice = new Choice(byId("try-choice"));
    super("try", [choice]);
    this.choice = choice;
    byId("try-examples").addEventListener("click", () => this._addExamples());
    this._draw();
  }

  // {texts, isCut, result}
  async _ask(signal) {
    const lines = linesOf(this._field.value);
    const texts = lines.slice(0, MOST_TEXTS);
    const { target, version } = this.choice;
    if (texts.length === 0 || target === null || reasonForNothing(feed.state)) return null;
    const result = await answersOf(target, version, texts, { signal });
    return { texts, isCut: lines.length > texts.length, result };
  }

  _tellFailure(error) {
    // Whoever has no token, or no server, is told so above.
    const isToldAbove = error.kind === "unauthorized" || error.kind === "unreachable";
    tell(this._problem, isToldAbove ? "" : inWords(error));
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
