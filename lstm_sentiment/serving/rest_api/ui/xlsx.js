// Reads the cells of an Excel workbook (.xlsx, ECMA-376): a ZIP archive of XML files. The browser
// unpacks and parses; nothing of it is run.

const END_OF_DIRECTORY = 0x06054b50;
const ENTRY = 0x02014b50;
const LARGEST_TAIL = 65_557; // the end record with its longest comment
const DATE_FORMATS = new Set([14, 15, 16, 17, 18, 19, 20, 21, 22, 45, 46, 47]);
const MAIN = "xl/workbook.xml";

// A whole ZIP archive of something else.
export class NotAWorkbook extends Error {}

// {rows: string[][], sheets: string[], sheet, valueless}: the cells of one sheet as texts, the names
// of all that are visible, which one was read, and the number of formulas without a value. By
// default it is the first sheet that holds data. `lstm_sentiment/text/corpus/tables/workbook.py`
// has the same rules for commands.
export async function readXlsx(buffer, wanted = null) {
  const archive = openZip(buffer);
  const workbook = await xmlOf(archive, MAIN);
  if (workbook === null) throw new NotAWorkbook(MAIN);
  const all = [...workbook.getElementsByTagNameNS("*", "sheet")];
  const visible = all.filter((each) => !isHidden(each));
  const sheets = visible.length > 0 ? visible : all;
  const targets = await targetsOf(archive);
  const is1904 = /^(1|true)$/.test(workbook.getElementsByTagNameNS("*", "workbookPr")[0]?.getAttribute("date1904") ?? "");
  const book = { strings: await stringsOf(archive), dates: await dateStylesOf(archive), is1904 };
  const names = sheets.map((each) => each.getAttribute("name"));
  const read = async (sheet) => {
    const id = [...sheets[sheet].attributes].find((each) => each.localName === "id")?.value;
    const content = await xmlOf(archive, targets.get(id));
    return { ...(content === null ? { rows: [], valueless: 0 } : rowsOf(content, book)), sheets: names, sheet };
  };
  if (wanted !== null && wanted < sheets.length) return read(wanted);
  let first = null;
  for (const sheet of sheets.keys()) {
    const found = await read(sheet);
    if (found.rows.length > 0) return found;
    first ??= found;
  }
  return first ?? { rows: [], valueless: 0, sheets: names, sheet: 0 };
}

// A value that a formula could not have.
export function isErrorValue(text) {
  return /^#(NULL!|DIV\/0!|VALUE!|REF!|NAME\?|NUM!|N\/A)$/.test(text);
}

export function isZip(buffer) {
  return buffer.byteLength > 4 && new DataView(buffer).getUint32(0, true) === 0x04034b50;
}

function isHidden(sheet) {
  return /hidden/i.test(sheet.getAttribute("state") ?? "");
}

// --- The archive: APPNOTE.TXT of PKWARE, sections 4.3 and 4.4 ---

function openZip(buffer) {
  const view = new DataView(buffer);
  const end = endRecord(view);
  const entries = new Map();
  let at = view.getUint32(end + 16, true);
  for (let left = view.getUint16(end + 10, true); left > 0; left -= 1) {
    if (view.getUint32(at, true) !== ENTRY) throw new Error("ZIP");
    const [name, extra, comment] = [28, 30, 32].map((place) => view.getUint16(at + place, true));
    const path = new TextDecoder().decode(new Uint8Array(buffer, at + 46, name));
    entries.set(path, {
      method: view.getUint16(at + 10, true),
      size: view.getUint32(at + 20, true),
      start: view.getUint32(at + 42, true),
    });
    at += 46 + name + extra + comment;
  }
  return { buffer, view, entries };
}

function endRecord(view) {
  for (let at = view.byteLength - 22; at >= Math.max(0, view.byteLength - LARGEST_TAIL); at -= 1) {
    if (view.getUint32(at, true) === END_OF_DIRECTORY) return at;
  }
  throw new Error("ZIP");
}

async function textOf({ buffer, view, entries }, path) {
  const entry = entries.get(path);
  if (entry === undefined) return null;
  // The lengths of name and extra field in front of the data are its own.
  const at = entry.start + 30 + view.getUint16(entry.start + 26, true) + view.getUint16(entry.start + 28, true);
  const packed = new Blob([new Uint8Array(buffer, at, entry.size)]).stream();
  const plain = entry.method === 0 ? packed : packed.pipeThrough(new DecompressionStream("deflate-raw"));
  return new Response(plain).text();
}

async function xmlOf(archive, path) {
  const text = await textOf(archive, path);
  if (text === null) return null;
  const found = new DOMParser().parseFromString(text.replace(/^\ufeff/, ""), "application/xml");
  if (found.getElementsByTagName("parsererror").length > 0) throw new Error(path);
  return found;
}

// --- The workbook ---

async function targetsOf(archive) {
  const relations = await xmlOf(archive, "xl/_rels/workbook.xml.rels");
  const found = relations === null ? [] : [...relations.getElementsByTagNameNS("*", "Relationship")];
  return new Map(found.map((each) => [each.getAttribute("Id"), pathOf(each.getAttribute("Target"))]));
}

function pathOf(target) {
  return target.startsWith("/") ? target.slice(1) : `xl/${target.replace(/^\.\//, "")}`;
}

async function stringsOf(archive) {
  const content = await xmlOf(archive, "xl/sharedStrings.xml");
  return content === null ? [] : [...content.getElementsByTagNameNS("*", "si")].map(textIn);
}

// The runs of a text, without the readings above Japanese words.
function textIn(element) {
  return [...element.getElementsByTagNameNS("*", "t")]
    .filter((each) => each.parentNode.localName !== "rPh")
    .map((each) => each.textContent)
    .join("")
    .replace(/_x([0-9A-Fa-f]{4})_/g, (_, code) => String.fromCharCode(Number.parseInt(code, 16)));
}

// Which cell styles are of dates: a date is a number of days to the format alone.
async function dateStylesOf(archive) {
  const styles = await xmlOf(archive, "xl/styles.xml");
  if (styles === null) return [];
  const own = new Map(
    [...styles.getElementsByTagNameNS("*", "numFmt")].map((each) => [each.getAttribute("numFmtId"), each.getAttribute("formatCode")]),
  );
  const formats = styles.getElementsByTagNameNS("*", "cellXfs")[0]?.children ?? [];
  return [...formats].map((each) => {
    const id = each.getAttribute("numFmtId");
    return DATE_FORMATS.has(Number(id)) || isDateFormat(own.get(id) ?? "");
  });
}

function isDateFormat(code) {
  return /[dmyhs]/i.test(code.replace(/"[^"]*"|\\.|\[[^\]]*\]|General/gi, ""));
}

// From the first row with a value to the last one.
function rowsOf(sheet, book) {
  const rows = [];
  let valueless = 0;
  for (const row of sheet.getElementsByTagNameNS("*", "row")) {
    const cells = [];
    for (const cell of row.children) {
      if (cell.localName !== "c") continue;
      const column = columnOf(cell.getAttribute("r")) ?? cells.length;
      while (cells.length < column) cells.push("");
      cells[column] = valueOf(cell, book);
      if (cells[column] === "" && [...cell.children].some((each) => each.localName === "f")) valueless += 1;
    }
    while (cells.at(-1) === "") cells.pop();
    if (cells.length === 0) continue;
    const number = Number(row.getAttribute("r") ?? rows.length + 1);
    if (rows.length === 0) rows.first = number;
    while (rows.length < number - rows.first) rows.push([]);
    rows.push(cells);
  }
  return { rows, valueless };
}

// "BC12" is column 54.
function columnOf(reference) {
  const letters = /^[A-Z]+/.exec(reference ?? "")?.[0];
  if (letters === undefined) return null;
  return [...letters].reduce((sum, letter) => sum * 26 + letter.charCodeAt(0) - 64, 0) - 1;
}

function valueOf(cell, { strings, dates, is1904 }) {
  const kind = cell.getAttribute("t") ?? "n";
  if (kind === "inlineStr") return textIn(cell);
  const value = [...cell.children].find((each) => each.localName === "v")?.textContent ?? "";
  if (kind === "s") return strings[Number(value)] ?? "";
  if (kind === "b") return value === "1" ? "True" : "False";
  if (kind !== "n" || value === "") return value;
  return dates[Number(cell.getAttribute("s") ?? -1)] ? dateOf(Number(value), is1904) : String(Number(value));
}

// Days since the end of 1899, or since 1904, as ISO 8601.
function dateOf(days, is1904) {
  if (days < 1 && !is1904) return new Date(Math.round(days * 86400) * 1000).toISOString().slice(11, 19);
  // Excel has a 29 February 1900.
  const since = is1904 ? Date.UTC(1904, 0, 1) : Date.UTC(1899, 11, days < 60 ? 31 : 30);
  const written = new Date(since + Math.round(days * 86400) * 1000).toISOString().slice(0, 19).replace("T", " ");
  return written.endsWith(" 00:00:00") ? written.slice(0, 10) : written;
}
