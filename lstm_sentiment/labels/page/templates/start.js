// The data of the page; in the order of these files all others follow.

const DATA = JSON.parse(document.getElementById("data").textContent);
const CLASS_BUTTONS = 12; // labels with a button of their own; the others are in a list
const ITEMS = DATA.items;

// Labels by the digit that chooses them: a label that is a digit has its own, others the first free one.
const LABEL_OF_DIGIT = new Map(DATA.classes.filter((label) => /^[0-9]$/.test(label)).map((label) => [label, label]));
for (const label of DATA.classes) {
  const free = "123456789".split("").find((digit) => !LABEL_OF_DIGIT.has(digit));
  if (free && !/^[0-9]$/.test(label)) LABEL_OF_DIGIT.set(free, label);
}
