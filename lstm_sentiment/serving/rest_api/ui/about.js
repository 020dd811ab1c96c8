// What is known of a version beside its answers: its classes, its scores, and texts to try it with.

import { ask, AskError } from "./api.js";
import { language } from "./i18n.js";
import { feed } from "./state_feed.js";

const NOTHING = { labels: null, label_names: {}, trained: null, texts: {}, scores: {}, max_length: null, examples: [] };
const CLASS_COLOURS = 8;
const MOST_EXAMPLES = 3;
const known = new Map(); // by version, as a promise: it never changes under its number

// The facts of a version; other servers, and versions without a card, have none.
export function aboutVersion(model, version) {
  if (version === null) return Promise.resolve(NOTHING);
  const key = JSON.stringify([feed.state?.started, model, version]);
  if (!known.has(key)) {
    const asked = factsOf(model, version);
    known.set(key, asked);
    asked.catch(() => known.delete(key));
  }
  return known.get(key);
}

async function factsOf(model, version) {
  try {
    return { ...NOTHING, ...(await ask(`about/${encodeURIComponent(model)}/${version}`)) };
  } catch (error) {
    if (error instanceof AskError && error.status >= 400 && error.status < 500 && error.status !== 401) return NOTHING;
    throw error;
  }
}

// The name of a label in the language of the page, or the label itself.
export function labelName(about, label) {
  const names = about?.label_names?.[label];
  return names?.[language()] ?? label;
}

// Each class has a colour of its own, in the order of the classes.
export function classColour(index) {
  return `class-${index % CLASS_COLOURS}`;
}

// Short examples, of as many classes as possible.
export function examplesOf(about) {
  const short = about.examples.filter(({ text }) => isOneLine(text)).sort((a, b) => badness(a.text) - badness(b.text));
  const chosen = [];
  while (chosen.length < MOST_EXAMPLES && chosen.length < short.length) {
    const times = ({ label }) => chosen.filter((each) => each.label === label).length;
    const open = short.filter((each) => !chosen.includes(each));
    const fewest = Math.min(...open.map(times));
    chosen.push(open.find((each) => times(each) === fewest));
  }
  return chosen.map(({ text }) => text.trim());
}

function isOneLine(text) {
  return text.trim() !== "" && !/[\r\n]/.test(text.trim());
}

// A sentence reads best that is neither one word nor half a page.
function badness(text) {
  return Math.abs(text.trim().length - (/[\u3040-\u9fff]/.test(text) ? 28 : 80));
}

const SCRIPTS = ["Han", "Latin", "Hiragana", "Hangul", "Cyrillic", "Arabic", "Devanagari", "Thai", "Greek", "Hebrew"].map(
  (name) => new RegExp(`\\p{Script=${name}}`, "gu"),
);
const LETTER = /\p{Letter}/gu;
const MOST_OF = 0.7;
const LITTLE_OF = 0.2;

// A model of Chinese knows a few English words too, by chance, and learned nothing from them.
export function isOfAnotherScript(text, about) {
  if (about.script === undefined) about.script = scriptOf(about.examples.map((example) => example.text).join(""));
  if (about.script === null) return false;
  const letters = countOf(text, LETTER);
  return letters > 0 && countOf(text, about.script) < letters * LITTLE_OF;
}

// The script of nearly all letters, or null for a mixture or none.
function scriptOf(text) {
  const letters = countOf(text, LETTER);
  return letters === 0 ? null : (SCRIPTS.find((script) => countOf(text, script) >= letters * MOST_OF) ?? null);
}

function countOf(text, pattern) {
  return text.match(pattern)?.length ?? 0;
}
