// One answer: its label, the probabilities as bars with numbers, the tokens.

import { element } from "./dom.js";
import { percent, signed } from "./format.js";
import { t } from "./i18n.js";
import { shadedText } from "./tokens.js";

const MOST_BARS = 6;

export function answerParts(text, answer, classNames) {
  const { label, probabilities, tokens, attributions } = answer;
  return [
    element(
      "p",
      { class: "verdict" },
      element("span", { class: "visually-hidden" }, `${t("answer.label")} `),
      element("strong", { class: "badge" }, label),
      " ",
      element("span", { class: "verdict-p" }, t("answer.confidence", { p: percent(Math.max(...probabilities)) })),
    ),
    tokens === null ? element("p", { class: "tokens" }, text) : shadedText(text, tokens, attributions),
    ...probabilityBars(probabilities, classNames),
    tokens !== null && tokens.length > 0 ? weights(tokens, attributions) : null,
  ];
}

function probabilityBars(probabilities, classNames) {
  const named = probabilities.map((value, index) => ({
    name: classNames?.[index] ?? t("answer.class", { n: index }),
    value,
  }));
  const largest = Math.max(...probabilities);
  const list = (rows) =>
    element(
      "ul",
      { class: "bars", "aria-label": t("answer.probabilities") },
      ...rows.map(({ name, value }) => bar(name, value, percent(value), value === largest)),
    );
  if (named.length <= MOST_BARS) return [list(named)];
  // So many would drown the text; the most probable are what one looks for.
  named.sort((a, b) => b.value - a.value);
  const rest = named.splice(MOST_BARS - 1);
  const more = element("summary", {}, t("answer.more_classes", { n: rest.length }));
  return [list(named), element("details", { class: "more" }, more, list(rest))];
}

export function bar(name, share, shown, isMain) {
  const width = `${Math.min(1, Math.max(0, share || 0)) * 100}%`;
  return element(
    "li",
    { class: isMain ? "bar-row main" : "bar-row" },
    element("span", { class: "bar-name", title: name }, name),
    " ",
    element(
      "span",
      { class: "bar-track", "aria-hidden": "true" },
      element("span", { class: "bar-fill", vars: { "--width": width } }),
    ),
    " ",
    element("span", { class: "bar-value" }, shown),
  );
}

// The same in numbers, for those who do not see colours or do not hover.
function weights(tokens, attributions) {
  const order = tokens.map((_, index) => index);
  order.sort((a, b) => Math.abs(attributions[b]) - Math.abs(attributions[a]));
  const rows = order.map((index) =>
    element(
      "tr",
      {},
      element("td", {}, tokens[index]),
      element("td", { class: "number" }, signed(attributions[index])),
    ),
  );
  const head = element(
    "tr",
    {},
    element("th", { scope: "col" }, t("answer.token")),
    element("th", { scope: "col", class: "number" }, t("answer.weight")),
  );
  return element(
    "details",
    { class: "more weights" },
    element("summary", {}, t("answer.weights")),
    element("table", {}, element("thead", {}, head), element("tbody", {}, ...rows)),
  );
}

export function drawLegend(legend, isShown) {
  legend.hidden = !isShown;
  legend.replaceChildren(
    element("span", { class: "token for swatch", vars: { "--weight": 1 } }, t("legend.for")),
    " ",
    element("span", { class: "token against swatch", vars: { "--weight": 1 } }, t("legend.against")),
  );
}
