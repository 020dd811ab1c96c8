// Scores many texts in batches: tries again what a busy server put off, and goes on without texts
// that it refuses.

import { AskError } from "./api.js";

export const BATCH_SIZE = 64;
const MOST_TRIES = 6;
const FIRST_PAUSE_SECONDS = 0.5;
const MOST_REFUSED_AT_FIRST = 5;
const BUSY = new Set([429, 502, 503]);
const TOO_MUCH = new Set([400, 408, 413, 504]); // a smaller batch may do, or all but one text of it

// `ask(texts)` answers each text or throws; `scores` is filled by index with {label, probabilities}
// or {error}, and what has a label already is not asked again. `onProgress()` is called after each
// batch, `onWait(seconds, number)` before another try, `wait(seconds)` passes the time and throws
// when cancelled.
export async function scoreTexts({ texts, indices, scores, ask, onProgress, onWait, wait }) {
  const job = { texts, scores, ask, onProgress, onWait, wait, size: BATCH_SIZE, refused: 0 };
  job.hasAnswered = scores.some((score) => score?.label !== undefined);
  const open = indices.filter((index) => scores[index]?.label === undefined);
  for (let at = 0; at < open.length; ) {
    const batch = open.slice(at, at + job.size);
    await scoreBatch(batch, job);
    at += batch.length;
  }
}

async function scoreBatch(batch, job) {
  let answers;
  try {
    answers = await askPatiently(batch.map((index) => job.texts[index]), job);
  } catch (error) {
    if (!isTooMuch(error)) throw error;
    if (batch.length > 1) await scoreHalves(batch, job);
    else refuse(batch[0], error, job);
    return;
  }
  job.hasAnswered = true;
  for (const [at, index] of batch.entries()) job.scores[index] = answers[at];
  job.onProgress();
}

async function scoreHalves(batch, job) {
  const half = Math.ceil(batch.length / 2);
  const before = job.refused;
  await scoreBatch(batch.slice(0, half), job);
  await scoreBatch(batch.slice(half), job);
  // No text was at fault, so it was their number.
  if (job.refused === before) job.size = Math.min(job.size, half);
}

function refuse(index, error, job) {
  job.refused += 1;
  // Where so many are refused and none is answered, it is not these texts that are at fault.
  if (!job.hasAnswered && job.refused > MOST_REFUSED_AT_FIRST) throw error;
  job.scores[index] = { error: error.message || String(error.status) };
  job.onProgress();
}

async function askPatiently(texts, job) {
  for (let number = 1; ; number += 1) {
    try {
      return await job.ask(texts);
    } catch (error) {
      if (!isPassing(error) || number === MOST_TRIES) throw error;
      const seconds = FIRST_PAUSE_SECONDS * 2 ** (number - 1);
      job.onWait(seconds, number);
      await job.wait(seconds);
    }
  }
}

function isPassing(error) {
  return error instanceof AskError && (error.kind === "unreachable" || BUSY.has(error.status));
}

function isTooMuch(error) {
  return error instanceof AskError && (error.kind === "too_slow" || TOO_MUCH.has(error.status));
}

// Passes time until the signal is aborted.
export function waiting(signal) {
  return (seconds) =>
    new Promise((resolve, reject) => {
      const timer = setTimeout(resolve, seconds * 1000);
      signal.addEventListener("abort", () => {
        clearTimeout(timer);
        reject(signal.reason);
      });
    });
}
