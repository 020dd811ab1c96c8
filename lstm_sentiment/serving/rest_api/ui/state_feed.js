// What the server tells of itself, asked again every few seconds while somebody looks.

import { ask, isAbort } from "./api.js";

const PAUSE_MS = 3000;
const TIMEOUT_MS = 10_000;

class StateFeed {
  constructor() {
    this.state = null; // the last that was told
    this.problem = null; // why there is no newer one
    this._listeners = new Set();
    this._timer = null;
    this._asking = null;
  }

  // The listener is called after each look, whether it brought something or not.
  listen(listener) {
    this._listeners.add(listener);
  }

  start() {
    document.addEventListener("visibilitychange", () => {
      if (document.hidden) this._pause();
      else this.look();
    });
    this.look();
  }

  async look() {
    this._pause();
    if (document.hidden) return;
    const asking = new AbortController();
    this._asking = asking;
    try {
      this.state = await ask("state", { signal: asking.signal, timeoutMs: TIMEOUT_MS });
      this.problem = null;
    } catch (error) {
      if (isAbort(error)) return;
      this.problem = error;
    }
    for (const listener of this._listeners) listener(this);
    if (this._asking === asking && !document.hidden) {
      this._timer = setTimeout(() => this.look(), PAUSE_MS);
    }
  }

  _pause() {
    clearTimeout(this._timer);
    this._asking?.abort();
    this._asking = null;
  }
}

export const feed = new StateFeed();

// The highest version that answers, as the server itself chooses it; null for none.
export function latestVersion(model) {
  return model.versions.find((each) => each.state === "AVAILABLE")?.version ?? null;
}

export function hasAnyVersion(state) {
  return state.models.some((model) => latestVersion(model) !== null);
}

// Why nothing can be asked yet, as a key of what to say; null if something can.
export function reasonForNothing(state) {
  if (hasAnyVersion(state)) return null;
  const versions = state.models.flatMap((model) => model.versions);
  if (versions.some((each) => each.state === "START" || each.state === "LOADING")) return "models.loading";
  return versions.some((each) => each.error) ? "models.failed" : "models.none";
}

export function stateKey(version) {
  return version.state === "END" && version.error ? "state.FAILED" : `state.${version.state}`;
}
