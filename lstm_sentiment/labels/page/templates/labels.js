// The labels to choose from, and the digits that choose them.

const CLASS_BUTTONS = 12; // labels with a button of their own; the others are in a list
let labelOfDigit = new Map();

function allLabels() {
  return [...DATA.classes, ...state.added];
}

// A label that is a digit has its own, others have the first free one.
function giveDigits() {
  const isDigit = (label) => /^[0-9]$/.test(label);
  labelOfDigit = new Map(allLabels().filter(isDigit).map((label) => [label, label]));
  for (const label of allLabels()) {
    const free = "123456789".split("").find((digit) => !labelOfDigit.has(digit));
    if (free && !isDigit(label)) labelOfDigit.set(free, label);
  }
}

// Returns the label as it is chosen; empty if there is none.
function addLabel(typed) {
  const label = typed.trim();
  if (label && !allLabels().includes(label)) {
    state.added.push(label);
    keepState();
    drawClasses();
  }
  return label;
}

function drawClasses() {
  giveDigits();
  const digits = new Map([...labelOfDigit].map(([digit, label]) => [label, digit]));
  const buttons = allLabels().slice(0, CLASS_BUTTONS).map((label) =>
    element(
      "button",
      { type: "button", "data-label": label, "aria-keyshortcuts": digits.get(label) },
      element("span", { class: "words", lang: languageOf(label) }, label),
      digits.has(label) ? element("kbd", { "aria-hidden": "true" }, digits.get(label)) : null,
    ),
  );
  const rest = allLabels().slice(CLASS_BUTTONS);
  byId("classes").replaceChildren(...buttons);
  byId("other").hidden = rest.length === 0;
  byId("other").replaceChildren(
    element("option", { value: "", "data-i18n": "classes.other" }, t("classes.other")),
    ...rest.map((label) => element("option", { value: label }, label)),
  );
}
