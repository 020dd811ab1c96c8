// Texts whose parts are shaded by how much they support or oppose a label.

// spans: [[first character, the one after the last, shade from -1 to 1], ...], in characters of Unicode.
function shadedText(characters, spans) {
  const made = document.createDocumentFragment();
  let at = 0;
  for (const [start, end, shade] of spans) {
    if (end > characters.length) break;
    made.append(characters.slice(at, start).join(""));
    const vars = { "--weight": String(Math.abs(shade)) };
    made.append(
      element("span", { class: `token ${shade > 0 ? "for" : "against"}`, vars }, characters.slice(start, end).join("")),
    );
    at = end;
  }
  made.append(characters.slice(at).join(""));
  return made;
}
