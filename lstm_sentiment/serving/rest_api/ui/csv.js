// CSV as spreadsheets and Python's csv module read and write it (RFC 4180, and what people send).

// {records: string[][], hasOpenQuote}; an empty line is an empty record.
export function parseCsv(text, delimiter = ",") {
  const records = [];
  let record = [];
  let field = "";
  let isQuoted = false; // within quotes
  let isFresh = true; // nothing of this field has been seen
  let at = text.startsWith("\ufeff") ? 1 : 0;
  const endField = () => {
    record.push(field);
    field = "";
    isFresh = true;
  };
  const endRecord = () => {
    if (record.length > 0 || !isFresh) endField();
    records.push(record);
    record = [];
  };
  while (at < text.length) {
    const character = text[at];
    at += 1;
    if (isQuoted) {
      if (character !== '"') field += character;
      else if (text[at] === '"') {
        field += '"';
        at += 1;
      } else isQuoted = false;
    } else if (character === '"' && isFresh) {
      isQuoted = true;
      isFresh = false;
    } else if (character === delimiter) {
      endField();
      // One more field follows, be it empty.
      if (at >= text.length) isFresh = false;
      else if (text[at] === "\n" || text[at] === "\r") isFresh = false;
    } else if (character === "\n" || character === "\r") {
      if (character === "\r" && text[at] === "\n") at += 1;
      endRecord();
    } else {
      field += character;
      isFresh = false;
    }
  }
  if (record.length > 0 || !isFresh) endRecord();
  return { records, hasOpenQuote: isQuoted };
}

// A cell with a space before what a spreadsheet would take for a formula; numbers stay as they are.
// `lstm_sentiment` writes tables by the same rule.
export function guarded(cell) {
  if (!/^[=+\-@＝＋－＠\t\r]/.test(cell)) return cell;
  const isNumber = (cell.trim() !== "" && Number.isFinite(Number(cell))) || /^[+-](inf(inity)?|nan)$/i.test(cell.trim());
  return isNumber ? cell : ` ${cell}`;
}

// One line, its end included.
export function csvLine(fields) {
  if (fields.length === 1 && fields[0] === "") return '""\r\n';
  return `${fields.map(quoted).join(",")}\r\n`;
}

function quoted(field) {
  return /[",\r\n]|^\s|\s$/.test(field) ? `"${field.replaceAll('"', '""')}"` : field;
}

// The delimiter that the first line holds most often outside quotes: a comma, unless others win.
export function guessDelimiter(text) {
  const counts = { ",": 0, ";": 0, "\t": 0 };
  let isQuoted = false;
  for (const character of text) {
    if (character === '"') isQuoted = !isQuoted;
    else if (isQuoted) continue;
    else if (character === "\n" || character === "\r") break;
    else if (character in counts) counts[character] += 1;
  }
  return Object.keys(counts).reduce((best, each) => (counts[each] > counts[best] ? each : best));
}
