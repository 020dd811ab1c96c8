// The language of the page: the one chosen before, or the browser's.

const HTML_LANGUAGES = { zh: "zh-CN", en: "en" };
const LANGUAGE_KEY = "lstm-sentiment.language";
let language = stored(LANGUAGE_KEY);
if (!Object.hasOwn(STRINGS, language ?? "")) {
  language = navigator.language.toLowerCase().startsWith("zh") ? "zh" : "en";
}

// t("position", {at: 3, n: 20}): a string, or one of [for one, for others] by n.
function t(key, values = {}) {
  const found = STRINGS[language][key];
  if (found === undefined) return key.slice(key.indexOf(".") + 1);
  const template = Array.isArray(found) ? found[values.n === 1 ? 0 : 1] : found;
  return template.replace(/\{(\w+)\}/g, (_, name) => written(values[name]));
}

function written(value) {
  return typeof value === "number" ? value.toLocaleString(HTML_LANGUAGES[language]) : String(value);
}

function percent(share) {
  return share.toLocaleString(HTML_LANGUAGES[language], { style: "percent", maximumFractionDigits: 0 });
}

function setLanguage(chosen) {
  language = chosen;
  store(LANGUAGE_KEY, chosen);
  translateDocument();
}

function translateDocument() {
  document.documentElement.lang = HTML_LANGUAGES[language];
  document.title = `${t(`title.${DATA.mode}`)} · ${DATA.source}`;
  for (const each of document.querySelectorAll("[data-i18n]")) each.textContent = t(each.dataset.i18n);
  for (const each of document.querySelectorAll("[data-i18n-label]")) {
    each.setAttribute("aria-label", t(each.dataset.i18nLabel));
  }
  for (const each of document.querySelectorAll("[data-i18n-placeholder]")) {
    each.placeholder = t(each.dataset.i18nPlaceholder);
  }
  for (const button of document.querySelectorAll("[data-language]")) {
    button.setAttribute("aria-pressed", String(button.dataset.language === language));
  }
}

// The language by which a browser chooses glyphs for a text.
function languageOf(text) {
  if (/[\u3040-\u30ff]/.test(text)) return "ja";
  if (/[\uac00-\ud7af]/.test(text)) return "ko";
  return /[\u3400-\u9fff]/.test(text) ? "zh" : "";
}
