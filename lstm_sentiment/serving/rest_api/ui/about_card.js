// What the page tells of the version that is asked: a title of its classes, and how good it is.

import { labelName } from "./about.js";
import { element } from "./dom.js";
import { date, percent } from "./format.js";
import { t } from "./i18n.js";

const MOST_NAMED = 4;

// "hotel: negative or positive?" as far as the classes are known, and few.
export function drawTitle(heading, target, about, classNames) {
  const names = (classNames ?? []).map((label) => labelName(about, label));
  const title = titleOf(target?.model, names);
  if (heading.textContent !== title) heading.textContent = title;
}

function titleOf(model, names) {
  if (model === undefined || names.length === 0) return t("try.title");
  if (names.length > MOST_NAMED) return t("try.title_many", { model, n: names.length });
  const first = names.slice(0, -1).join(t("try.title_joined"));
  const title = t("try.title_classes", { model, first, last: names.at(-1) });
  return title.replace(/(\p{Script=Han}) (?=\p{Script=Han})/gu, "$1"); // a space parts only Latin from Han
}

// The accuracy in one line, and the rest on demand, so that a phone shows answers at once.
export function drawAbout(box, summary, list, about) {
  const facts = about === null ? [] : factsOf(about);
  box.hidden = facts.length === 0;
  summary.textContent = accuracyOf(about) ?? t("about.more");
  const rows = facts.map(([key, words]) => element("div", {}, element("dt", {}, t(key)), element("dd", {}, words)));
  list.replaceChildren(...rows);
}

function accuracyOf(about) {
  const accuracy = about?.scores.accuracy;
  if (accuracy === undefined) return null;
  const p = percent(accuracy);
  return about.texts.test ? t("about.accuracy_of", { p, n: about.texts.test }) : t("about.accuracy", { p });
}

function factsOf({ texts, trained, max_length: length, labels, label_names: names }) {
  const facts = [];
  if (texts.train) facts.push(["about.trained", trainedOn(texts.train, trained)]);
  if (labels !== null) facts.push(["about.classes", labels.map((label) => labelName({ label_names: names }, label)).join(t("try.title_joined"))]);
  if (length !== null) facts.push(["about.reads", t("about.reads_up_to", { n: length })]);
  return facts;
}

function trainedOn(n, trained) {
  return trained === null ? t("about.trained_on", { n }) : t("about.trained_at", { n, date: date(trained) });
}
