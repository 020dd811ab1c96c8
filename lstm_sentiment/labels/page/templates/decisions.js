// What was decided of each text, kept in the browser so that a closed tab loses nothing.

const STATE_KEY = `lstm-sentiment.labels.${DATA.id}`;
const PROBE_KEY = "lstm-sentiment.probe";
let keepsState = true; // whether the browser stores anything for this page

function stored(key) {
  try {
    return localStorage.getItem(key);
  } catch {
    return null;
  }
}

function store(key, value) {
  try {
    localStorage.setItem(key, value);
    return true;
  } catch {
    return false;
  }
}

// decisions: digest -> [action, label]; history: [digest, decision before it or null], the last one at
// the end; unsaved: number of decisions since the file was saved; at: digest of the text shown; added:
// labels that were typed.
const state = { decisions: new Map(), history: [], unsaved: 0, at: "", added: [] };

function loadState() {
  let found = null;
  try {
    found = JSON.parse(stored(STATE_KEY) ?? "null");
  } catch {
    // Another program wrote something else there.
  }
  state.decisions = new Map(Array.isArray(found?.decisions) ? found.decisions.filter(isDecision) : []);
  state.history = Array.isArray(found?.history) ? found.history : [];
  state.unsaved = Number.isInteger(found?.unsaved) ? found.unsaved : 0;
  state.added = Array.isArray(found?.added) ? found.added.filter((label) => typeof label === "string") : [];
  state.at = typeof found?.at === "string" ? found.at : "";
}

function isDecision(entry) {
  return Array.isArray(entry) && Array.isArray(entry[1]) && entry[1].every((part) => typeof part === "string");
}

function keepState() {
  keepsState = store(STATE_KEY, JSON.stringify({ ...state, decisions: [...state.decisions] }));
}

function decide(item, action, label) {
  const before = state.decisions.get(item.digest) ?? null;
  if (before && before[0] === action && before[1] === label) return;
  state.history.push([item.digest, before]);
  state.decisions.set(item.digest, [action, label]);
  state.unsaved += 1;
  keepState();
}

// Takes the last decision back; returns the digest of its text, or null if there was none.
function undoDecision() {
  const last = state.history.pop();
  if (!last) return null;
  const [digest, before] = last;
  if (before) state.decisions.set(digest, before);
  else state.decisions.delete(digest);
  state.unsaved += 1;
  keepState();
  return digest;
}
