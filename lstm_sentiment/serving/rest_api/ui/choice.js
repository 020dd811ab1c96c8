// A list to choose whom to ask: a model's latest version, the version of a label, or one by number.

import { element } from "./dom.js";
import { onLanguage, t } from "./i18n.js";
import { feed, latestVersion, stateKey } from "./state_feed.js";

// {model, kind: "latest" | "label" | "version", name}
export class Choice {
  constructor(select, prefer = null) {
    this._select = select;
    this._prefer = prefer; // (state) => whom to choose first
    this._listeners = new Set();
    this._drawn = "";
    this._asked = "";
    this.version = null; // who answers right now, as far as it is known
    select.addEventListener("change", () => this._tellIfNew());
    feed.listen(() => this._take());
    onLanguage(() => this._take());
  }

  // The listener is called when somebody else is asked from now on: chosen by hand, or because a
  // newer version came or a label moved.
  listen(listener) {
    this._listeners.add(listener);
  }

  get target() {
    return this._select.value ? JSON.parse(this._select.value) : null;
  }

  set target(target) {
    this._select.value = "";
    this._wanted = target;
    this._drawn = "";
    this._take();
  }

  // The beginning of all paths that ask it.
  get path() {
    return pathOf(this.target);
  }

  _take() {
    if (feed.state === null) return;
    const chosen = this._wanted ?? this.target ?? this._prefer?.(feed.state) ?? null;
    this._wanted = null;
    const groups = groupsOf(feed.state, chosen);
    // A list that is open must not change under the hand unless it has to.
    const drawn = JSON.stringify([groups, chosen]);
    if (drawn !== this._drawn) this._draw(groups, chosen);
    this._drawn = drawn;
    this._tellIfNew();
  }

  _draw(groups, chosen) {
    const kept = chosen ? JSON.stringify(chosen) : null;
    const drawn = groups.map(({ model, options }) =>
      element("optgroup", { label: model }, ...options.map(optionElement)),
    );
    this._select.replaceChildren(...drawn);
    if (drawn.length === 0) this._select.append(element("option", { value: "" }, t("choice.none")));
    if (kept !== null) this._select.value = kept;
    else {
      const first = [...this._select.options].find((option) => !option.disabled);
      // Else the field would be empty, as all options are disabled.
      if (!first && drawn.length > 0) this._select.prepend(element("option", { value: "" }, t("choice.none")));
      this._select.value = first?.value ?? "";
    }
    this._select.disabled = drawn.length === 0;
  }

  _tellIfNew() {
    const { target } = this;
    this.version = target && feed.state ? versionOf(feed.state, target) : null;
    const asked = JSON.stringify([target, this.version, feed.state?.started]);
    if (asked === this._asked) return;
    this._asked = asked;
    for (const listener of this._listeners) listener();
  }
}

export function pathOf({ model, kind, name }) {
  const path = `v1/models/${encodeURIComponent(model)}`;
  if (kind === "latest") return path;
  return `${path}/${kind}s/${encodeURIComponent(name)}`;
}

export function versionOf(state, { model, kind, name }) {
  const found = state.models.find((each) => each.name === model);
  if (!found) return null;
  if (kind === "latest") return latestVersion(found);
  const version = kind === "label" ? found.labels[name] : Number(name);
  return found.versions.find((each) => each.version === version)?.version ?? null;
}

function optionElement({ value, text, disabled }) {
  return element("option", { value, disabled }, text);
}

function groupsOf(state, chosen) {
  const groups = state.models.map((model) => ({ model: model.name, options: optionsOf(model) }));
  const value = chosen && JSON.stringify(chosen);
  const isThere = groups.some(({ options }) => options.some((option) => option.value === value));
  if (chosen && !isThere) {
    // Asking somebody else instead, unsaid, would be worse than the server's error.
    const what = chosen.kind === "latest" ? t("shadow.latest") : chosen.name;
    const text = t("choice.gone", { model: chosen.model, what });
    groups.push({ model: chosen.model, options: [{ value, text, disabled: false }] });
  }
  return groups;
}

function optionsOf(model) {
  const latest = latestVersion(model);
  const option = (kind, name, text, disabled = false) => ({
    value: JSON.stringify({ model: model.name, kind, name }),
    text,
    disabled,
  });
  const values = { model: model.name };
  return [
    latest === null
      ? option("latest", "", t("choice.latest_none", values), true)
      : option("latest", "", t("choice.latest", { ...values, version: String(latest) })),
    ...Object.entries(model.labels).map(([label, version]) =>
      option("label", label, t("choice.of_label", { ...values, label, version: String(version) })),
    ),
    ...model.versions.map((each) => {
      const name = String(each.version);
      if (each.state === "AVAILABLE") {
        return option("version", name, t("choice.version", { ...values, version: name }));
      }
      const state = t(stateKey(each));
      return option("version", name, t("choice.not_available", { ...values, version: name, state }), true);
    }),
  ];
}
