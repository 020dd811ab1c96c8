// The language of the page: what is said in it, and who wants to know that it changed.

import { STRINGS } from "./strings.js";

const STORED = "lstm-sentiment.language";
const HTML_LANGUAGES = { zh: "zh-CN", en: "en" };
const listeners = new Set();
let current = stored() ?? (navigator.language.toLowerCase().startsWith("zh") ? "zh" : "en");

function stored() {
  try {
    const found = localStorage.getItem(STORED);
    return found in STRINGS ? found : null;
  } catch {
    return null; // where nothing may be stored
  }
}

export function language() {
  return current;
}

// t("compare.summary", {n: 2}): a string, or one of [for one, for others] by n. Numbers are written as
// the language writes them; what is no quantity, such as a version, comes as a string.
export function t(key, values = {}) {
  const found = STRINGS[current][key];
  const template = Array.isArray(found) ? found[values.n === 1 ? 0 : 1] : found;
  return template.replace(/\{(\w+)\}/g, (_, name) => written(values[name]));
}

// Sentences one after another.
export function joined(sentences) {
  return sentences.join(t("sentences.between"));
}

function written(value) {
  return typeof value === "number" ? value.toLocaleString(HTML_LANGUAGES[current]) : String(value);
}

export function onLanguage(listener) {
  listeners.add(listener);
}

export function setLanguage(chosen) {
  current = chosen;
  try {
    localStorage.setItem(STORED, chosen);
  } catch {
    // It holds for this visit then.
  }
  translateDocument();
  for (const listener of listeners) listener();
}

export function translateDocument() {
  document.documentElement.lang = HTML_LANGUAGES[current];
  document.title = t("title");
  for (const each of document.querySelectorAll("[data-i18n]")) each.textContent = t(each.dataset.i18n);
  for (const each of document.querySelectorAll("[data-i18n-label]")) {
    each.setAttribute("aria-label", t(each.dataset.i18nLabel));
  }
  for (const button of document.querySelectorAll("[data-language]")) {
    button.setAttribute("aria-pressed", String(button.dataset.language === current));
  }
}
