// The card: one text, why it is here, and the buttons that decide.

const CUT_AFTER = 2_500; // characters of a text that are shown at first

function drawCard() {
  const item = ITEMS[current];
  byId("empty").hidden = item !== undefined;
  byId("card").hidden = item === undefined;
  byId("actions").hidden = item === undefined;
  byId("all-done").hidden = !item || ITEMS.some((each) => !state.decisions.has(each.digest));
  byId("all-done").textContent = t("all.done", { n: ITEMS.length, file: DATA.file });
  if (!item) return;
  byId("position").textContent = t("position", { at: shown.indexOf(current) + 1, n: shown.length });
  byId("kind").textContent = t(`kind.${item.kind}`);
  byId("kind").dataset.kind = item.kind;
  const place = item.file ? t("row.of", { file: item.file, row: item.row }) : t("row", { row: item.row });
  byId("row").textContent = item.row ? place : "";
  byId("about").textContent = STRINGS[language][`about.${item.kind}`] ?? "";
  drawLabels(item);
  drawText(item);
  drawNearest(item);
  drawButtons(item);
}

function drawLabels(item) {
  byId("labels").hidden = item.given.length === 0 && !item.likely;
  byId("labels").replaceChildren(
    ...item.given.map((label) => labelPair("given", label, item.given.length === 1 ? item.pGiven : null)),
    ...(item.likely ? [labelPair("likely", item.likely, item.pLikely)] : []),
  );
}

function labelPair(kind, label, probability) {
  return element(
    "div",
    { class: `pair ${kind}` },
    element("dt", {}, t(kind)),
    element(
      "dd",
      {},
      element("b", { class: "label", lang: languageOf(label) }, label),
      typeof probability === "number" ? element("span", { class: "muted" }, t("probability", { p: percent(probability) })) : null,
    ),
  );
}

function drawText(item) {
  const text = byId("text");
  const characters = Array.from(item.text);
  const isCut = !item.isWhole && characters.length > CUT_AFTER + 500;
  text.lang = languageOf(item.text);
  text.replaceChildren(
    shadedText(isCut ? characters.slice(0, CUT_AFTER) : characters, item.spans),
    ...(isCut ? ["…"] : []),
  );
  byId("more").hidden = !isCut;
  byId("more").textContent = t("more", { n: characters.length });
  byId("legend").hidden = item.spans.length === 0;
  byId("legend-for").textContent = t("legend.for", { label: item.likely });
  byId("legend-against").textContent = t("legend.against");
}

function drawNearest(item) {
  byId("nearest").hidden = !item.nearest;
  byId("nearest-about").textContent = item.nearestLabel ? t("nearest", { label: item.nearestLabel }) : t("nearest.any");
  byId("nearest-text").textContent = item.nearest;
  byId("nearest-text").lang = languageOf(item.nearest);
}

function drawButtons(item) {
  const decision = state.decisions.get(item.digest);
  const [action, chosen] = decision ?? ["", ""];
  const isOnlyOne = item.given.length === 1;
  setButton("keep", isOnlyOne ? t("keep", { label: item.given[0] }) : "", action === "keep", isOnlyOne);
  setButton("likely", item.likely ? t("change.likely", { label: item.likely }) : "", action === "change" && chosen === item.likely, Boolean(item.likely));
  setButton("drop", t(DATA.mode === "check" ? "drop" : "skip_text"), action === "drop" || action === "skip", true);
  // With two classes the buttons to keep and to change name both of them.
  byId("class-row").hidden = allLabels().length < 3 && isOnlyOne && Boolean(item.likely);
  for (const button of byId("classes").querySelectorAll("button")) {
    button.setAttribute("aria-pressed", String(chosen !== "" && button.dataset.label === chosen));
  }
  const other = byId("other");
  other.value = [...other.options].some((each) => each.value === chosen) ? chosen : "";
  byId("undo").disabled = state.history.length === 0;
  byId("decided").textContent = decision ? `✓ ${decisionText(decision)}` : "";
}

function setButton(id, words, isPressed, isShown) {
  const button = byId(id);
  button.hidden = !isShown;
  button.querySelector(".words").textContent = words;
  button.setAttribute("aria-pressed", String(isPressed));
}
