// The view that scores a file: reads it here, sends its texts in batches, writes it with scores.

import { inWords, isAbort } from "./api.js";
import { answersOf } from "./answers.js";
import { Choice, versionOf } from "./choice.js";
import { byId, element, say, tell } from "./dom.js";
import { download } from "./download.js";
import { OtherKind } from "./file_kind.js";
import { FileResults } from "./file_results.js";
import { bytes, duration } from "./format.js";
import { joined, onLanguage, t } from "./i18n.js";
import { scoreTexts, waiting } from "./scoring.js";
import { feed } from "./state_feed.js";
import { columnNames, guessColumn, readTableFile, scoredCsv } from "./table_file.js";
import { ENCODINGS } from "./text_encoding.js";
import { isErrorValue } from "./xlsx.js";

const PREVIEW_ROWS = 4;
const LAST_SHOWN = 80; // characters of a cell

export class FileView {
  constructor() {
    this._source = null; // the File itself
    this._file = null; // {name, size} and what readTableFile found
    this._run = null; // {target, scores, classNames, about, outcome: null | "done" | "cancelled" | Error}
    this._results = new FileResults();
    this._cancelling = null; // while it runs
    this._choice = new Choice(byId("file-choice"));
    this._choice.listen(() => this._forget());
    byId("file-input").addEventListener("change", (event) => this._open(event.target.files[0]));
    byId("file-encoding").addEventListener("change", () => this._read());
    byId("file-sheet").addEventListener("change", () => this._read());
    byId("file-header").addEventListener("change", () => this._drawFile());
    byId("file-column").addEventListener("change", () => this._forget());
    byId("file-start").addEventListener("click", () => this._start());
    byId("file-cancel").addEventListener("click", () => this._cancelling?.abort());
    byId("file-download").addEventListener("click", () => this._download());
    this._listenToDrops(byId("file-drop"));
    window.addEventListener("beforeunload", (event) => {
      if (this._cancelling) event.preventDefault();
    });
    onLanguage(() => {
      if (this._file) this._drawFile({ keepRun: true });
    });
  }

  show() {}

  hide() {}

  refresh() {}

  _listenToDrops(drop) {
    drop.addEventListener("dragover", (event) => {
      event.preventDefault();
      drop.classList.add("over");
    });
    drop.addEventListener("dragleave", () => drop.classList.remove("over"));
    drop.addEventListener("drop", (event) => {
      event.preventDefault();
      drop.classList.remove("over");
      this._open(event.dataTransfer.files[0]);
    });
  }

  _open(file) {
    if (!file || this._cancelling) return;
    this._source = file;
    byId("file-encoding").value = "";
    byId("file-sheet").replaceChildren();
    this._read();
  }

  // Again where another encoding or sheet is chosen.
  async _read() {
    const file = this._source;
    const options = { encoding: byId("file-encoding").value || null, sheet: sheetChosen() };
    this._file = null;
    byId("file-options").hidden = true;
    tell(byId("file-problem"), t("file.reading", { name: file.name }), "info");
    await new Promise((resolve) => setTimeout(resolve)); // drawn before a large file takes seconds
    try {
      const table = await readTableFile(file, options);
      if (file !== this._source) return; // another one was chosen meanwhile
      if (table.rows.length === 0 && table.sheets.length < 2) tell(byId("file-problem"), t("file.empty_file"));
      else this._file = { name: file.name, size: file.size, ...table };
    } catch (error) {
      const message = error instanceof OtherKind ? error.inWords(file.name) : t("file.unreadable", { message: error.message });
      tell(byId("file-problem"), message);
    }
    byId("file-drop").classList.toggle("small", this._file !== null);
    if (this._file === null) return;
    byId("file-header").checked = this._file.isTable;
    byId("file-header-field").hidden = !this._file.isTable;
    byId("file-options").hidden = false;
    this._drawChoices(options);
    this._drawFile();
  }

  _drawChoices({ encoding }) {
    const { sheets, sheet, encoding: found } = this._file;
    byId("file-sheet-field").hidden = sheets.length < 2;
    byId("file-sheet").replaceChildren(...sheets.map((name) => element("option", {}, name)));
    byId("file-sheet").selectedIndex = sheet;
    byId("file-encoding-field").hidden = found === null;
    const automatic = t("file.encoding_auto", { name: encodingName(found ?? "") });
    byId("file-encoding").replaceChildren(
      element("option", { value: "" }, automatic),
      ...ENCODINGS.map((name) => element("option", { value: name }, encodingName(name))),
    );
    byId("file-encoding").value = encoding ?? "";
  }

  get _rows() {
    return byId("file-header").checked ? this._file.rows.slice(1) : this._file.rows;
  }

  _drawFile({ keepRun = false } = {}) {
    const { rows, isTable, name, size, encoding, malformed, hasOpenQuote, valueless } = this._file;
    const unnamed = (n) => t("file.column_n", { n });
    this._names = columnNames(rows, byId("file-header").checked, isTable, unnamed);
    const notes = [t("file.about", { name, n: this._rows.length, size: bytes(size) })];
    if (encoding !== null && encoding !== "utf-8") notes.push(t("file.read_as", { name: encodingName(encoding) }));
    say(byId("file-about"), joined(notes));
    const problems = [];
    if (this._rows.length === 0) problems.push(t("file.empty_file"));
    if (hasOpenQuote) problems.push(t("file.open_quote"));
    if (valueless > 0) problems.push(t("file.valueless", { n: valueless }));
    if (malformed > 0) problems.push(t("file.malformed", { n: malformed, name: encodingName(encoding) }));
    tell(byId("file-problem"), joined(problems));
    const column = keepRun ? byId("file-column").selectedIndex : guessColumn(this._names, this._rows);
    const options = this._names.map((each, index) => element("option", { value: index }, each || unnamed(index + 1)));
    byId("file-column").replaceChildren(...options);
    byId("file-column").selectedIndex = column;
    this._drawPreview();
    if (keepRun) this._drawRun();
    else this._forget();
  }

  _drawPreview() {
    const cells = (tag, row, attributes) =>
      this._names.map((_, index) => element(tag, attributes, shortened(row[index] ?? "")));
    byId("file-preview").replaceChildren(
      element("caption", { class: "visually-hidden" }, t("file.preview")),
      element("thead", {}, element("tr", {}, ...cells("th", this._names, { scope: "col" }))),
      element("tbody", {}, ...this._rows.slice(0, PREVIEW_ROWS).map((row) => element("tr", {}, ...cells("td", row)))),
    );
  }

  _forget() {
    if (this._cancelling) return;
    this._run = null;
    if (this._file) this._drawRun();
  }

  async _start() {
    const { target } = this._choice;
    if (target === null || this._cancelling) return;
    if (this._run?.outcome === "done") this._run = null; // once more
    // All of a file is scored by one version, whatever becomes the latest meanwhile.
    this._run ??= { target: pinned(target), scores: Array(this._rows.length), classNames: null };
    const run = this._run;
    const column = byId("file-column").selectedIndex;
    const isWorkbook = this._file.encoding === null;
    const texts = this._rows.map((row) => (isWorkbook && isErrorValue(row[column] ?? "") ? "" : (row[column] ?? "")));
    const indices = texts.flatMap((text, index) => (text.trim() === "" ? [] : [index]));
    Object.assign(run, { outcome: null, total: indices.length, blank: texts.length - indices.length });
    this._cancelling = new AbortController();
    const { signal } = this._cancelling;
    const began = { time: performance.now(), done: doneOf(run) };
    this._drawRun();
    byId("file-cancel").focus();
    this._drawProgress(began);
    try {
      await scoreTexts({
        texts,
        indices,
        scores: run.scores,
        ask: (batch) => this._askBatch(run, batch, signal),
        onProgress: () => this._drawProgress(began),
        onWait: (seconds, n) => say(byId("file-progress-text"), t("file.waiting", { seconds, n })),
        wait: waiting(signal),
      });
      run.outcome = "done";
    } catch (error) {
      run.outcome = isAbort(error) ? "cancelled" : error;
    }
    this._cancelling = null;
    this._drawRun();
    byId(run.outcome === "done" ? "file-download" : "file-start").focus();
  }

  async _askBatch(run, texts, signal) {
    const version = versionOf(feed.state, run.target);
    const { answers, classNames, about } = await answersOf(run.target, version, texts, { signal, explain: false });
    run.classNames ??= classNames;
    run.about ??= about;
    return answers;
  }

  _drawProgress(began) {
    const { total } = this._run;
    const done = doneOf(this._run);
    const bar = byId("file-progress");
    bar.max = Math.max(1, total);
    bar.value = done;
    const rate = (done - began.done) / (performance.now() - began.time);
    const values = { done, n: total };
    const left = rate > 0 ? duration((total - done) / rate / 1000) : null;
    say(byId("file-progress-text"), t(left === null ? "file.starting" : "file.running", { ...values, left }));
  }

  _drawRun() {
    const run = this._run;
    const isRunning = this._cancelling !== null;
    const isOver = run !== null && !isRunning;
    const isDone = isOver && run.outcome === "done";
    for (const id of ["file-input", "file-column", "file-choice", "file-header", "file-encoding", "file-sheet"]) byId(id).disabled = isRunning;
    byId("file-running").hidden = !isRunning;
    byId("file-cancel").hidden = !isRunning;
    byId("file-start").hidden = isRunning;
    byId("file-start").textContent = t(isDone ? "file.again" : isOver ? "file.continue" : "file.start");
    byId("file-start").classList.toggle("primary", !isDone);
    byId("file-start").disabled = this._rows.length === 0;
    byId("file-download").hidden = !isOver || doneOf(run) === 0;
    byId("file-download").textContent = t(isDone ? "file.download" : "file.download_part");
    byId("file-download").classList.toggle("primary", isDone);
    say(byId("file-status"), isOver ? outcomeInWords(run) : "");
    const column = byId("file-column").selectedIndex;
    byId("file-preview-region").hidden = isOver && doneOf(run) > 0;
    this._results.show(isOver ? run : null, this._rows, column);
  }

  _download() {
    const { scores, classNames, target } = this._run;
    const pieces = scoredCsv({ names: this._names, rows: this._rows, scores, classNames });
    const stem = this._file.name.replace(/\.(csv|tsv|txt|xlsx)$/i, "");
    download(pieces, `${stem}.${target.model}-${target.name}.scored.csv`);
  }
}

function sheetChosen() {
  const { selectedIndex } = byId("file-sheet");
  return selectedIndex < 0 ? null : selectedIndex;
}

function encodingName(encoding) {
  return encoding.replace("utf-16le", "utf-16").toUpperCase();
}

function pinned(target) {
  const version = versionOf(feed.state, target);
  return version === null ? target : { model: target.model, kind: "version", name: String(version) };
}

function doneOf(run) {
  let done = 0;
  for (const score of run.scores) if (score !== undefined) done += 1;
  return done;
}

function outcomeInWords(run) {
  const { outcome, target, blank } = run;
  const scored = run.scores.filter((score) => score?.label !== undefined).length;
  const refused = run.scores.filter((score) => score?.error !== undefined).length;
  const notes = [];
  if (outcome === "done") notes.push(t("file.done", { n: scored, model: target.model, version: target.name }));
  else if (outcome === "cancelled") notes.push(t("file.cancelled", { n: scored }));
  else notes.push(t("file.stopped", { n: scored, message: inWords(outcome) }));
  if (refused > 0) notes.push(t("file.failed", { n: refused }));
  if (blank > 0) notes.push(t("file.blank", { n: blank }));
  return joined(notes);
}

function shortened(text) {
  return text.length > LAST_SHOWN ? `${text.slice(0, LAST_SHOWN)}…` : text;
}
