// A view whose answers follow what is typed: it asks while it is seen, and draws what came.

import { asksAtOnce, Asking } from "./asking.js";
import { byId, tell } from "./dom.js";
import { onLanguage } from "./i18n.js";
import { feed } from "./state_feed.js";
import { shareTexts } from "./texts.js";

// Of what derives from it: `_ask(signal)`, which gives what is to be shown, or null for nothing;
// `_draw()`, which shows it; `_tellFailure(error)`.
export class LiveView {
  constructor(name, choices) {
    this._field = byId(`${name}-texts`);
    this._results = byId(`${name}-results`);
    this._problem = byId(`${name}-problem`);
    this._shown = null;
    this._isVisible = false;
    this._isStale = true;
    this._hasFailed = false;
    this._choices = choices;
    this._asking = new Asking({
      question: (signal) => this._ask(signal),
      answered: (shown) => this._take(shown),
      failed: (error) => this._fail(error),
      busy: (isBusy) => {
        this._results.setAttribute("aria-busy", String(isBusy));
        byId(`${name}-busy`).hidden = !isBusy;
        // "Results appear here" is said where nothing is on its way.
        byId(`${name}-status`).classList.toggle("superseded", isBusy && this._shown === null);
      },
    });
    shareTexts(this._field, () => this._later());
    this._field.addEventListener("keydown", (event) => {
      if (asksAtOnce(event)) this._asking.now();
    });
    for (const choice of choices) choice.listen(() => this.refresh());
    onLanguage(() => this._draw());
    feed.listen(() => {
      if (this._shown === null) this._draw(); // what there is to wait for may be another thing now
    });
  }

  show() {
    this._isVisible = true;
    if (this._isStale) this._asking.now();
  }

  hide() {
    this._isVisible = false;
  }

  refresh() {
    this._isStale = true;
    if (this._isVisible) this._asking.now();
  }

  _later() {
    this._isStale = true;
    if (this._isVisible) this._asking.soon();
  }

  _take(shown) {
    this._isStale = false;
    this._hasFailed = false;
    this._shown = shown;
    tell(this._problem, "");
    this._draw();
  }

  _fail(error) {
    this._shown = null;
    this._hasFailed = true;
    this._draw();
    this._tellFailure(error);
  }
}
