"""Trains one classifier as a user does, scores its exported version, and writes the scores.

    PYTHONPATH=CHECKOUT python -P training.py JOB.json

This program imports nothing but the public names of the `lstm_sentiment` that it finds, so that it
trains with older checkouts too. `JOB.json` names a `config` file of the run and the file for the
`result`.
"""

import json
import sys
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any

import lstm_sentiment as ls


class Messages:
    """A progress display that keeps what the run says."""

    def __init__(self) -> None:
        """Begins without a message."""
        self.said: list[str] = []

    def step(self, description: str, total: int) -> AbstractContextManager[Any]:
        """Shows no bar."""
        return nullcontext(lambda steps=1, *, status="": None)

    def say(self, message: str) -> None:
        """Keeps the message."""
        self.said.append(message)


def train(config_file: Path) -> dict[str, Any]:
    """Runs the pipeline and returns scores, what was chosen, and the answer for each test text."""
    config, messages = ls.load_config(config_file), Messages()
    outcome = ls.run_pipeline(config, messages)
    names = outcome.fit.label_names
    test = ls.read_corpus([outcome.run_dir / "test.csv"], label_names=names)
    predicted = ls.SavedModelPredictor(outcome.version_dir).predict(test.texts)
    answers = [names.index(prediction.label) for prediction in predicted]
    scores = ls.evaluate_predictions(test.labels, answers, names)
    return {
        "accuracy": scores.accuracy,
        "macro_f1": scores.macro_f1,
        "dev_accuracy": outcome.dev.accuracy,
        "dev_macro_f1": outcome.dev.macro_f1,
        "seconds": outcome.seconds,
        "epochs": len(outcome.fit.history["loss"]),
        "batch_size": outcome.fit.training.batch_size,
        "messages": messages.said,
        "labels": [int(label) for label in test.labels],
        "answers": answers,
    }


def main(job_file: str) -> None:
    """Does the job that a file describes."""
    job = json.loads(Path(job_file).read_text("utf-8"))
    Path(job["result"]).write_text(json.dumps(train(Path(job["config"]))), "utf-8")


if __name__ == "__main__":
    main(sys.argv[1])
