// Asks soon after the last key, one question at a time: an old answer never overwrites a newer one.

import { isAbort } from "./api.js";

const PAUSE_MS = 250;

export class Asking {
  // `question` takes an AbortSignal and gives a promise; `answered` and `failed` take its outcome.
  constructor({ question, answered, failed, busy }) {
    Object.assign(this, { question, answered, failed, busy });
    this._timer = null;
    this._running = null;
  }

  soon() {
    clearTimeout(this._timer);
    this._timer = setTimeout(() => this.now(), PAUSE_MS);
  }

  async now() {
    clearTimeout(this._timer);
    this._running?.abort();
    const running = new AbortController();
    this._running = running;
    this.busy(true);
    try {
      const answer = await this.question(running.signal);
      if (this._running === running) this.answered(answer);
    } catch (error) {
      if (this._running === running && !isAbort(error)) this.failed(error);
    } finally {
      if (this._running === running) this.busy(false);
    }
  }
}

export function asksAtOnce(event) {
  return event.key === "Enter" && (event.ctrlKey || event.metaKey);
}
