// A file of texts as a table: which rows and columns it has, and how it is written with scores.

import { csvLine, guarded, guessDelimiter, parseCsv } from "./csv.js";
import { kindOf, OtherKind } from "./file_kind.js";
import { decode } from "./text_encoding.js";
import { isZip, NotAWorkbook, readXlsx } from "./xlsx.js";

// {rows, isTable, encoding, malformed, hasOpenQuote, sheets, sheet, valueless}; `isTable` is false
// where each line is one text, `encoding` is null for a workbook, and the rest are a workbook's.
export async function readTableFile(file, { encoding = null, sheet = null } = {}) {
  const buffer = await file.arrayBuffer();
  const nothing = { encoding: null, malformed: 0, hasOpenQuote: false, sheets: [], sheet: 0, valueless: 0 };
  if (isZip(buffer)) {
    return { ...nothing, isTable: true, ...(await readWorkbook(buffer, sheet)) };
  }
  const kind = kindOf(buffer, file.name);
  if (kind !== null) throw new OtherKind(kind);
  const { text, ...found } = decode(buffer, encoding);
  const name = file.name.toLowerCase();
  if (name.endsWith(".txt")) {
    const lines = text.split(/\r\n|\r|\n/);
    if (lines.at(-1) === "") lines.pop();
    return { ...nothing, ...found, rows: lines.map((line) => [line]), isTable: false };
  }
  const { records, hasOpenQuote } = parseCsv(text, name.endsWith(".tsv") ? "\t" : guessDelimiter(text));
  return { ...nothing, ...found, rows: withoutBlankLines(records), isTable: true, hasOpenQuote };
}

async function readWorkbook(buffer, sheet) {
  try {
    return await readXlsx(buffer, sheet);
  } catch (error) {
    throw new OtherKind(error instanceof NotAWorkbook ? "package" : "damaged");
  }
}

function withoutBlankLines(records) {
  // In a table of one column an empty line is an empty cell; those at the end are none.
  const isNarrow = records.every((record) => record.length <= 1);
  const kept = isNarrow ? records.map((record) => (record.length ? record : [""])) : records.filter((r) => r.length);
  const last = records.findLastIndex((record) => record.length > 0);
  return isNarrow ? kept.slice(0, last + 1) : kept;
}

// The widest row decides; each column has a name of its own.
export function columnNames(rows, hasHeader, isTable, unnamed) {
  const width = rows.reduce((widest, row) => Math.max(widest, row.length), 0);
  const header = hasHeader ? rows[0] : isTable ? [] : ["text"];
  return Array.from({ length: width }, (_, index) => header[index] ?? (hasHeader ? "" : unnamed(index + 1)));
}

// The column that most likely holds the texts: by its name, else by the length of what is in it.
export function guessColumn(names, rows) {
  const byName = names.findIndex((name) => /^(text|texts|review|comment|content|sentence|文本|评论|评价|内容|正文)$/i.test(name.trim()));
  if (byName >= 0) return byName;
  const lengths = names.map((_, index) => rows.slice(0, 50).reduce((sum, row) => sum + (row[index] ?? "").length, 0));
  return Math.max(0, lengths.indexOf(Math.max(...lengths)));
}

// The table with scores as pieces of a CSV file, for a Blob. `scores` has an entry for each row:
// {label, probabilities}, {error}, or undefined for what was not scored.
export function scoredCsv({ names, rows, scores, classNames }) {
  const number = scores.find((score) => score?.probabilities)?.probabilities.length ?? 0;
  const classes = Array.from({ length: number }, (_, index) => `probability_${classNames?.[index] ?? index}`);
  const hasErrors = scores.some((score) => score?.error);
  const added = ["predicted_label", ...classes, ...(hasErrors ? ["scoring_error"] : [])];
  const header = [...names];
  for (const name of added) header.push(unlike(name, header));
  const pieces = ["\ufeff", csvLine(header.map(guarded))]; // by its BOM Excel knows that it is UTF-8
  for (const [index, row] of rows.entries()) {
    const padded = [...row, ...Array(names.length - row.length).fill("")];
    const { label = "", probabilities = [], error = "" } = scores[index] ?? {};
    const numbers = Array.from({ length: number }, (_, each) => String(probabilities[each] ?? ""));
    pieces.push(csvLine([...padded, label, ...numbers, ...(hasErrors ? [error] : [])].map(guarded)));
  }
  return pieces;
}

function unlike(name, taken) {
  let found = name;
  for (let number = 2; taken.includes(found); number += 1) found = `${name}_${number}`;
  return found;
}
