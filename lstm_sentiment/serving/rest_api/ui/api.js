// Questions to the server this page came from, and its errors in words.

import { t } from "./i18n.js";

const ROOT = new URL("../", import.meta.url); // behind a proxy the server may have a path of its own
const STORED = "lstm-sentiment.token";
const TIMEOUT_MS = 60_000; // longer than a server lets a request take by default
const TOKEN = /^[A-Za-z0-9._~+/-]+=*$/;

let token = null;
try {
  token = sessionStorage.getItem(STORED);
} catch {
  // It holds for this visit then.
}

// Whatever kept an answer from coming. `status` is HTTP's, 0 where the server said nothing.
export class AskError extends Error {
  constructor(kind, status, message = "") {
    super(message);
    this.kind = kind;
    this.status = status;
  }
}

// The address of a path, as programs elsewhere ask for it.
export function urlOf(path) {
  return new URL(path, ROOT).href;
}

export function inWords(error) {
  if (!(error instanceof AskError)) return t("error.unexpected", { message: error.message });
  return t(`error.${error.kind}`, { status: error.status, message: error.message });
}

export function isTokenWellFormed(text) {
  return TOKEN.test(text);
}

export function hasToken() {
  return token !== null;
}

export function setToken(text) {
  token = text;
  try {
    sessionStorage.setItem(STORED, text);
  } catch {
    // As above.
  }
}

// Asks for JSON: GET, or POST where there is a body.
export async function ask(path, { body, signal, timeoutMs = TIMEOUT_MS } = {}) {
  const timeout = AbortSignal.timeout(timeoutMs);
  const headers = {};
  if (token !== null) headers.authorization = `Bearer ${token}`;
  if (body !== undefined) headers["content-type"] = "application/json";
  let response, text;
  try {
    response = await fetch(new URL(path, ROOT), {
      method: body === undefined ? "GET" : "POST",
      headers,
      body: body === undefined ? undefined : JSON.stringify(body),
      signal: signal ? AbortSignal.any([signal, timeout]) : timeout,
      cache: "no-store",
      credentials: "same-origin",
    });
    text = await response.text();
  } catch (error) {
    if (signal?.aborted) throw signal.reason;
    throw new AskError(timeout.aborted ? "too_slow" : "unreachable", 0, error.message);
  }
  return parsed(response.status, text);
}

function parsed(status, text) {
  if (status === 401) throw new AskError("unauthorized", status);
  let answer;
  try {
    answer = JSON.parse(text);
  } catch {
    throw new AskError("not_json", status);
  }
  if (status >= 400) throw new AskError("said", status, String(answer?.error ?? text));
  return answer;
}

export function isAbort(error) {
  return error?.name === "AbortError";
}
