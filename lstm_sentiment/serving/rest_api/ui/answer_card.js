// One answer: its label, the text with its tokens shaded, the probabilities as bars with numbers, the
// weight of each token, and the request for programs.

import { classColour, isOfAnotherScript, labelName } from "./about.js";
import { element } from "./dom.js";
import { percent, signed } from "./format.js";
import { joined, t } from "./i18n.js";
import { copy, curlOf, pythonOf } from "./requests.js";
import { largestOf, shadedText } from "./tokens.js";

const MOST_BARS = 6;
const MOST_WEIGHTS = 60;
const FEW_KNOWN = 0.5; // of the tokens that were read

// `result` is what `answersOf` gives: the names and facts that all its answers share.
export function answerParts(text, answer, result, target) {
  const { tokens, attributions } = answer;
  return [
    element("p", { class: "verdict" }, badge(answer, result)),
    tokens === null ? element("p", { class: "tokens" }, text) : shadedText(text, tokens, attributions),
    knownNote(text, answer, result),
    ...probabilityBars(answer, result),
    weights(answer),
    requestFor(target, text),
  ].filter(Boolean);
}

export function classOf({ probabilities }) {
  return probabilities.indexOf(Math.max(...probabilities));
}

export function badge(answer, result) {
  const name = labelName(result.about, answer.label);
  return element(
    "span",
    {},
    element("span", { class: "visually-hidden" }, `${t("answer.label")} `),
    element("strong", { class: `badge ${classColour(hueOf(result, classOf(answer)))}`, title: answer.label }, name),
  );
}

// A label is always given, also for a text of which the model knows nothing.
export function knownNote(text, { counts }, { about }) {
  const notes = [];
  const key = doubtOf(text, counts, about);
  if (key !== null) notes.push(t(key, { known: counts?.known, n: counts?.read }));
  if (counts && counts.all > counts.read) notes.push(t("answer.cut", { read: counts.read, n: counts.all }));
  return notes.length === 0 ? null : element("p", { class: "hint known-note" }, joined(notes));
}

function doubtOf(text, counts, about) {
  if (counts && counts.known === 0) return "answer.none_known";
  if (isOfAnotherScript(text, about)) return "answer.other_script";
  return counts && counts.known < counts.read * FEW_KNOWN ? "answer.few_known" : null;
}

// `hues` are there where classes have other places than their colours.
function hueOf({ hues }, index) {
  return hues?.[index] ?? index;
}

export function probabilityBars({ probabilities }, result) {
  const { classNames, about } = result;
  const named = probabilities.map((value, index) => ({
    name: classNames === null ? t("answer.class", { n: index }) : labelName(about, classNames[index]),
    value,
    index: hueOf(result, index),
  }));
  const largest = Math.max(...probabilities);
  const list = (rows) =>
    element(
      "ul",
      { class: "bars", "aria-label": t("answer.probabilities") },
      ...rows.map(({ name, value, index }) => bar(name, value, percent(value), value === largest, index)),
    );
  if (named.length <= MOST_BARS) return [list(named)];
  // So many would drown the text; the most probable are what one looks for.
  named.sort((a, b) => b.value - a.value);
  const rest = named.splice(MOST_BARS - 1);
  const more = element("summary", {}, t("answer.more_classes", { n: rest.length }));
  return [list(named), element("details", { class: "more" }, more, list(rest))];
}

export function bar(name, share, shown, isMain, index) {
  const width = `${Math.min(1, Math.max(0, share || 0)) * 100}%`;
  return element(
    "li",
    { class: `bar-row ${classColour(index)}${isMain ? " main" : ""}` },
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
export function weights({ tokens, attributions }) {
  if (tokens === null || tokens.length === 0) return null;
  const order = tokens.map((_, index) => index);
  order.sort((a, b) => Math.abs(attributions[b]) - Math.abs(attributions[a]));
  const largest = largestOf(attributions);
  const shown = order.slice(0, MOST_WEIGHTS);
  return element(
    "details",
    { class: "more weights" },
    element("summary", {}, t("answer.weights")),
    element("ul", { class: "weight-list" }, ...shown.map((index) => weightRow(tokens[index], attributions[index], largest))),
    order.length > shown.length ? element("p", { class: "hint" }, t("answer.strongest", { shown: shown.length, n: order.length })) : null,
  );
}

function weightRow(token, attribution, largest) {
  const width = `${largest > 0 ? (Math.abs(attribution) / largest) * 50 : 0}%`;
  const fill = element("span", {
    class: `weight-fill ${attribution < 0 ? "against" : "for"}`,
    vars: { "--width": width },
  });
  return element(
    "li",
    { class: "weight-row" },
    element("span", { class: "weight-name", title: token }, token),
    " ",
    element("span", { class: "weight-track", "aria-hidden": "true" }, fill),
    " ",
    element("span", { class: "bar-value" }, signed(attribution)),
  );
}

function requestFor(target, text) {
  const code = element("textarea", { class: "code", readonly: true, rows: 4, spellcheck: "false", hidden: true });
  const status = element("span", { class: "hint", role: "status" });
  const button = (name, codeOf) =>
    element("button", { type: "button", class: "quiet", onclick: () => show(name, codeOf(target, text)) }, t("request.copy", { name }));
  const show = async (name, written) => {
    code.value = written;
    code.rows = written.split("\n").length;
    code.hidden = false;
    code.setAttribute("aria-label", name);
    status.textContent = t((await copy(written, code)) ? "request.copied" : "request.not_copied");
  };
  return element(
    "div",
    { class: "request" },
    element("p", { class: "request-buttons" }, button("curl", curlOf), " ", button("Python", pythonOf), " ", status),
    code,
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
