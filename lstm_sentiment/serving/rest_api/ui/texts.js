// The texts that "try" and "compare" share: each line of a field that is not blank.

export const MOST_TEXTS = 2000;
export const MOST_SHOWN = 30; // at first

const fields = [];

export function linesOf(text) {
  return text.split(/\r\n|\r|\n/).map((line) => line.trim()).filter((line) => line !== "");
}

// All fields given here always hold the same; `changed` is called for each of them.
export function shareTexts(field, changed) {
  fields.push({ field, changed });
  field.addEventListener("input", () => setTexts(field.value));
}

export function setTexts(text) {
  for (const { field, changed } of fields) {
    if (field.value !== text) field.value = text;
    changed();
  }
}
