// A text with each token shaded by how much it spoke for the label, or against it.

import { element } from "./dom.js";
import { signed } from "./format.js";
import { t } from "./i18n.js";

const MOST_UNREAD = 80; // characters that are shown of what was not read
const LEAST_SHADE = 0.05; // what is less is nobody's to see

// In [-1, 1], the largest of a text being 1 or -1.
export function shade(attribution, largest) {
  return largest > 0 ? attribution / largest : 0;
}

export function largestOf(attributions) {
  return attributions.reduce((largest, each) => Math.max(largest, Math.abs(each)), 0);
}

export function shadedText(text, tokens, attributions) {
  const largest = largestOf(attributions);
  const shown = element("p", { class: "tokens" });
  for (const piece of pieces(text, tokens)) {
    if (piece.token === null) {
      shown.append(piece.isUnread ? unread(piece.text) : piece.text);
    } else {
      const attribution = attributions[piece.token];
      shown.append(tokenElement(piece.text, attribution, shade(attribution, largest)));
    }
  }
  return shown;
}

function tokenElement(text, attribution, weight) {
  const strength = Math.abs(weight);
  if (!(strength >= LEAST_SHADE)) return element("span", { class: "token", title: signed(attribution) }, text);
  return element(
    "span",
    {
      class: `token ${weight > 0 ? "for" : "against"}`,
      title: signed(attribution),
      vars: { "--weight": strength.toFixed(3) },
    },
    text,
  );
}

function unread(text) {
  const shown = text.length > MOST_UNREAD ? `${text.slice(0, MOST_UNREAD)}…` : text;
  return element("span", { class: "unread", title: t("answer.unread") }, shown);
}

// The text cut into tokens and what lies between: [{text, token: index or null, isUnread}]. Tokens
// are found although they were normalized (NFKC, lower case); where one is not found, the tokens
// stand by themselves.
export function pieces(text, tokens) {
  const { plain, starts } = normalized(text);
  const found = [];
  let at = 0;
  for (const [index, token] of tokens.entries()) {
    const wanted = normalized(token).plain;
    const start = wanted === "" ? -1 : plain.indexOf(wanted, at);
    if (start < 0) return tokens.map((each, i) => ({ text: i ? ` ${each}` : each, token: i, isUnread: false }));
    if (starts[start] > (starts[at] ?? 0)) {
      found.push({ text: text.slice(starts[at], starts[start]), token: null, isUnread: false });
    }
    at = start + wanted.length;
    found.push({ text: text.slice(starts[start], starts[at]), token: index, isUnread: false });
  }
  const rest = text.slice(starts[at]);
  if (rest) found.push({ text: rest, token: null, isUnread: rest.trim() !== "" });
  return found.filter((piece) => piece.text !== "");
}

// The text as a tokenizer may have seen it, and where each of its characters began.
function normalized(text) {
  let plain = "";
  const starts = [];
  let start = 0;
  for (const character of text) {
    const changed = character.normalize("NFKC").toLowerCase();
    for (let i = 0; i < changed.length; i += 1) starts.push(start);
    plain += changed;
    start += character.length;
  }
  starts.push(text.length);
  return { plain, starts };
}
