// The file that is saved: CSV as RFC 4180 has it, in UTF-8 with a byte order mark, as Excel expects.

function csvLine(fields) {
  return `${fields.map(quoted).join(",")}\r\n`;
}

function quoted(field) {
  return /[",\r\n]|^\s|\s$/.test(field) ? `"${field.replaceAll('"', '""')}"` : field;
}

// A spreadsheet must not take a text for a formula; `fit --corrections` knows the apostrophe.
function guarded(text) {
  return /^[=+\-@\t\r]/.test(text) && !/^[+-]?\d+$/.test(text) ? `'${text}` : text;
}

function correctionsFile(items) {
  const lines = [csvLine(["digest", "action", "label", "text"])];
  for (const item of items) {
    const decision = state.decisions.get(item.digest);
    if (decision) lines.push(csvLine([item.digest, decision[0], guarded(decision[1]), guarded(item.text)]));
  }
  return lines;
}

// The labelled texts, for `fit --data`: the text itself is read, so it stays as it is.
function labelledFile(items) {
  const lines = [csvLine(["text", "label", "score", "reason", "digest"])];
  for (const item of items) {
    const [action, label] = state.decisions.get(item.digest) ?? [];
    if (action === "label") {
      lines.push(csvLine([item.text, label, String(item.score ?? ""), item.kind, item.digest]));
    }
  }
  return lines;
}

// Returns how many texts were saved.
function saveFile(items) {
  const lines = DATA.mode === "check" ? correctionsFile(items) : labelledFile(items);
  if (lines.length === 1) return 0;
  const url = URL.createObjectURL(new Blob(["\ufeff", ...lines], { type: "text/csv;charset=utf-8" }));
  const link = element("a", { href: url, download: DATA.file });
  link.click();
  // The download reads the blob after this call has returned.
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
  state.unsaved = 0;
  keepState();
  return lines.length - 1;
}
