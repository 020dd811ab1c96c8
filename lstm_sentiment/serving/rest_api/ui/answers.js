// Asks a version for labels, probabilities, the weight of each token, and how many words it knows.

import { aboutVersion } from "./about.js";
import { ask, AskError } from "./api.js";
import { pathOf } from "./choice.js";
import { feed } from "./state_feed.js";

const MOST_REMEMBERED = 5000;
const known = new Map(); // what is known of a version: it never changes under its number
const answered = new Map(); // by version and kind of question: answers by text

// {answers: [{label, probabilities, tokens, attributions, counts}], classNames, isExplained, about};
// tokens and attributions are null where the version has no `explain`, counts where it has no
// `text_statistics` or nothing is to be explained; classNames is null where it has none that fit.
export async function answersOf(target, version, texts, { signal, explain = true, remember = false } = {}) {
  const { signatures, classNames, about } = await knowledgeOf(target, version, signal);
  const isExplained = explain && signatures.has("explain");
  if (!isExplained && !signatures.has("text")) throw new AskError("no_text", 0);
  const question = { path: pathOf(target), isExplained, withCounts: explain && signatures.has("text_statistics") };
  const store = remember ? storeOf(target, version, isExplained) : new Map();
  const open = [...new Set(texts)].filter((text) => !store.has(text));
  if (open.length > 0) {
    const fresh = await freshAnswers(question, open, signal);
    for (const [index, text] of open.entries()) store.set(text, fresh[index]);
  }
  const answers = texts.map((text) => store.get(text));
  return { answers, classNames: fittingNames(classNames, answers), isExplained, about };
}

function storeOf(target, version, isExplained) {
  if (version === null) return new Map();
  const key = JSON.stringify([feed.state?.started, target.model, version, isExplained]);
  const store = answered.get(key) ?? new Map();
  if (store.size > MOST_REMEMBERED) store.clear();
  answered.set(key, store);
  return store;
}

async function freshAnswers({ path, isExplained, withCounts }, texts, signal) {
  const question = (signature) => ({ body: { signature_name: signature, instances: texts }, signal });
  const [answer, counts] = await Promise.all([
    ask(`${path}:predict`, question(isExplained ? "explain" : "text")),
    withCounts ? ask(`${path}:predict`, question("text_statistics")).catch(nothingBut(signal)) : null,
  ]);
  const rows = (answer.predictions ?? []).map((row) => readRow(row, isExplained));
  if (rows.length !== texts.length) throw new AskError("unexpected", 200, `${rows.length} ≠ ${texts.length}`);
  return rows.map((row, index) => ({ ...row, counts: readCounts(counts?.predictions?.[index]) }));
}

// An answer is of use without a note on its words.
function nothingBut(signal) {
  return () => {
    signal?.throwIfAborted();
    return null;
  };
}

function readRow(row, isExplained) {
  if (typeof row?.label !== "string" || !Array.isArray(row.probabilities)) {
    throw new AskError("unexpected", 200, JSON.stringify(row).slice(0, 200));
  }
  const { label, probabilities } = row;
  if (!isExplained) return { label, probabilities, tokens: null, attributions: null };
  const length = row.tokens.findLastIndex((token) => token !== "") + 1; // padding is empty
  return {
    label,
    probabilities,
    tokens: row.tokens.slice(0, length),
    attributions: row.attributions.slice(0, length),
  };
}

// {all, read, known}: how many tokens there are, how many the model read, and how many of these it
// knows.
function readCounts(row) {
  const { num_tokens: tokens, num_truncated: cut, num_oov: unknown } = row ?? {};
  if (![tokens, cut, unknown].every(Number.isInteger)) return null;
  return { all: tokens, read: tokens - cut, known: tokens - cut - unknown };
}

export async function knowledgeOf(target, version, signal) {
  const key = JSON.stringify([feed.state?.started, target.model, version]);
  if (version !== null && known.has(key)) return known.get(key);
  const path = pathOf(target);
  const [answer, about] = await Promise.all([ask(`${path}/metadata`, { signal }), aboutVersion(target.model, version)]);
  signal?.throwIfAborted();
  const signatures = new Set(Object.keys(answer.metadata.signature_def.signature_def));
  const classNames = about.labels ?? (signatures.has("classify") ? await namesOfClasses(path, signal) : null);
  const knowledge = { signatures, classNames, about };
  if (version !== null) known.set(key, knowledge);
  return knowledge;
}

async function namesOfClasses(path, signal) {
  const body = { signature_name: "classify", examples: [{ text: "" }] };
  try {
    const answer = await ask(`${path}:classify`, { body, signal });
    return answer.results[0].map(([name]) => name);
  } catch (error) {
    // A `classify` of another kind; classes have numbers then.
    if (error instanceof AskError && error.kind === "said" && error.status < 500) return null;
    throw error;
  }
}

// Names that do not fit what was answered are of another version, or of no use.
function fittingNames(names, answers) {
  const fits = ({ label, probabilities }) =>
    names.length === probabilities.length &&
    probabilities[names.indexOf(label)] === Math.max(...probabilities);
  return names !== null && answers.every(fits) ? names : null;
}
