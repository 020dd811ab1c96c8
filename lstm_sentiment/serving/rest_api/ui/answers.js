// Asks a version for labels, probabilities and the weight of each token.

import { ask, AskError } from "./api.js";
import { pathOf } from "./choice.js";
import { feed } from "./state_feed.js";

const known = new Map(); // what is known of a version: it never changes under its number

// {answers: [{label, probabilities, tokens, attributions}], classNames, isExplained}; tokens and
// attributions are null where the version has no `explain`; classNames is null where it has no
// `classify` that fits.
export async function answersOf(target, version, texts, { signal, explain = true } = {}) {
  const { signatures, classNames } = await knowledgeOf(target, version, signal);
  const isExplained = explain && signatures.has("explain");
  if (!isExplained && !signatures.has("text")) throw new AskError("no_text", 0);
  const answer = await ask(`${pathOf(target)}:predict`, {
    body: { signature_name: isExplained ? "explain" : "text", instances: texts },
    signal,
  });
  const answers = (answer.predictions ?? []).map((row) => readRow(row, isExplained));
  if (answers.length !== texts.length) {
    throw new AskError("unexpected", 200, `${answers.length} ≠ ${texts.length}`);
  }
  return { answers, classNames: fittingNames(classNames, answers), isExplained };
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

async function knowledgeOf(target, version, signal) {
  const key = JSON.stringify([feed.state?.started, target.model, version]);
  if (version !== null && known.has(key)) return known.get(key);
  const path = pathOf(target);
  const answer = await ask(`${path}/metadata`, { signal });
  const signatures = new Set(Object.keys(answer.metadata.signature_def.signature_def));
  const classNames = signatures.has("classify") ? await namesOfClasses(path, signal) : null;
  const knowledge = { signatures, classNames };
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
