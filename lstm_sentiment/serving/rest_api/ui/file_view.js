// The view that scores a file: reads it here, sends its texts in batches, writes it with scores.

import { inWords, isAbort } from "./api.js";
import { bar } from "./answer_card.js";
import { answersOf } from "./answers.js";
import { Choice, versionOf } from "./choice.js";
import { byId, element, say, tell } from "./dom.js";
import { bytes, count, duration, percent } from "./format.js";
import { onLanguage, t } from "./i18n.js";
import { scoreTexts, waiting } from "./scoring.js";
import { feed } from "./state_feed.js";
import { columnNames, guessColumn, readTableFile, scoredCsv } from "./table_file.js";

const PREVIEW_ROWS = 4;
const LAST_SHOWN = 80; // characters of a cell

export class FileView {
  constructor() {
    this._file = null; // {name, size, rows, isTable, isGb18030, hasOpenQuote}
    this._run = null; // {target, version, scores, classNames, outcome: null | "done" | "cancelled" | Error}
    this._cancelling = null; // while it runs
    this._choice = new Choice(byId("file-choice"));
    this._choice.listen(() => this._forget());
    byId("file-input").addEventListener("change", (event) => this._open(event.target.files[0]));
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

  async _open(file) {
    if (!file || this._cancelling) return;
    this._file = null;
    byId("file-options").hidden = true;
    try {
      const table = await readTableFile(file);
      if (table.rows.length === 0) tell(byId("file-problem"), t("file.empty_file"));
      else this._file = { name: file.name, size: file.size, ...table };
    } catch (error) {
      tell(byId("file-problem"), t("file.unreadable", { message: error.message }));
    }
    if (this._file === null) return;
    byId("file-header").checked = this._file.isTable;
    byId("file-header-field").hidden = !this._file.isTable;
    byId("file-options").hidden = false;
    this._drawFile();
  }

  get _rows() {
    return byId("file-header").checked ? this._file.rows.slice(1) : this._file.rows;
  }

  _drawFile({ keepRun = false } = {}) {
    const { rows, isTable, name, size, isGb18030, hasOpenQuote } = this._file;
    const unnamed = (n) => t("file.column_n", { n });
    this._names = columnNames(rows, byId("file-header").checked, isTable, unnamed);
    const notes = [t("file.about", { name, n: this._rows.length, size: bytes(size) })];
    if (isGb18030) notes.push(t("file.gb18030"));
    say(byId("file-about"), notes.join(" "));
    const problem = this._rows.length === 0 ? t("file.empty_file") : hasOpenQuote ? t("file.open_quote") : "";
    tell(byId("file-problem"), problem);
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
    // All of a file is scored by one version, whatever becomes the latest meanwhile.
    this._run ??= { target: pinned(target), scores: Array(this._rows.length), classNames: null };
    const run = this._run;
    const column = byId("file-column").selectedIndex;
    const texts = this._rows.map((row) => row[column] ?? "");
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
    const { answers, classNames } = await answersOf(run.target, version, texts, { signal, explain: false });
    run.classNames ??= classNames;
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
    for (const id of ["file-input", "file-column", "file-choice", "file-header"]) byId(id).disabled = isRunning;
    byId("file-running").hidden = !isRunning;
    byId("file-cancel").hidden = !isRunning;
    byId("file-start").hidden = isRunning || isDone;
    byId("file-start").textContent = t(isOver ? "file.continue" : "file.start");
    byId("file-start").disabled = this._rows.length === 0;
    byId("file-download").hidden = !isOver || doneOf(run) === 0;
    byId("file-download").textContent = t(isDone ? "file.download" : "file.download_part");
    byId("file-download").classList.toggle("primary", isDone);
    say(byId("file-status"), isOver ? outcomeInWords(run) : "");
    this._drawSummary(isOver ? run : null);
  }

  _drawSummary(run) {
    const counts = new Map();
    for (const score of run?.scores ?? []) {
      if (score?.label !== undefined) counts.set(score.label, (counts.get(score.label) ?? 0) + 1);
    }
    const total = [...counts.values()].reduce((sum, each) => sum + each, 0);
    const rows = [...counts].sort(([, a], [, b]) => b - a);
    const shown = rows.map(([label, n], index) =>
      bar(label, n / total, `${count(n)} (${percent(n / total)})`, index === 0),
    );
    byId("file-summary").replaceChildren(...shown);
    byId("file-summary").hidden = shown.length === 0;
  }

  _download() {
    const { scores, classNames, target } = this._run;
    const pieces = scoredCsv({ names: this._names, rows: this._rows, scores, classNames });
    const url = URL.createObjectURL(new Blob(pieces, { type: "text/csv;charset=utf-8" }));
    const stem = this._file.name.replace(/\.(csv|tsv|txt)$/i, "");
    const link = element("a", { href: url, download: `${stem}.${target.model}-${target.name}.scored.csv` });
    document.body.append(link);
    link.click();
    link.remove();
    // The download reads it for a while yet.
    setTimeout(() => URL.revokeObjectURL(url), 60_000);
  }
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
  return notes.join(" ");
}

function shortened(text) {
  return text.length > LAST_SHOWN ? `${text.slice(0, LAST_SHOWN)}…` : text;
}
