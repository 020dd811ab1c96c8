"""Measures the steps of `fit` between the files of labelled texts and the first training step.

    python -m benchmarks.fit_preparation --data hotel.csv --text-column review

The texts of `--data` are cut into sentences, and as many different texts as `--texts` says are
made of sentences of one class. `fit` then runs on them, with texts in memory and with `streaming`,
until the first step of training. The training of word vectors and of n-grams is not what is
measured: vectors are 8 wide and trained for one epoch, and there are no n-grams.

One JSON object a line. Each long step that `fit` reports has a line of its own, and so has the time
before it: `before Counting words` is reading, removing duplicates and near duplicates, and
splitting. `cpu_seconds` are those of all threads, and vary less than `seconds` where others use the
machine. The line `all but Training word vectors` adds the others up and has:

- `exact_digests_per_text` and `near_digests_per_text`: how many BLAKE2 and SHA-256 digests were
  computed for each text, counted on a smaller corpus of the same kind;
- `file_passes`: how many times the bytes of the file were read (Linux alone).
"""

import csv
import hashlib
import json
import os
import random
import re
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any
from unittest import mock

import typer

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import lstm_sentiment as ls
from lstm_sentiment.progress import Advance, ignore

_SENTENCE = re.compile(r"[^。！？!?…~\n]+[。！？!?…~\n]*")
_COUNTED_TEXTS = 2_000
_NOT_PREPARATION = "Training word vectors"
_VECTORS = ls.VectorTrainingConfig(dim=8, epochs=1, characters=False)

Row = tuple[str, str]


class _TrainingBegins(Exception):
    """Ends a run at its first training step."""


@dataclass
class Stopwatch:
    """A `Progress` that keeps the seconds of each step and of the time before the step.

    Attributes:
        seconds: Wall-clock and CPU seconds by the name of the step, in order.
    """

    seconds: dict[str, tuple[float, float]] = field(default_factory=dict)
    _last: tuple[float, float] = field(default_factory=lambda: _now())

    @contextmanager
    def step(self, description: str, total: int) -> Iterator[Advance]:
        """Ends the run where the step is the training of the classifier."""
        self._add(f"before {description}")
        if description == "Training":
            raise _TrainingBegins
        yield ignore
        self._add(description)

    def say(self, message: str) -> None:
        """Drops the message."""

    def _add(self, name: str) -> None:
        now, (wall, cpu) = _now(), self.seconds.get(name, (0.0, 0.0))
        self.seconds[name] = (wall + now[0] - self._last[0], cpu + now[1] - self._last[1])
        self._last = now


def main(
    data: Annotated[list[Path], typer.Option(help="As `fit --data`.")],
    text_column: str = "text",
    label_column: str = "label",
    texts: Annotated[int, typer.Option(help="Different texts to be made.")] = 100_000,
) -> None:
    """Prints the seconds of each step."""
    corpus = ls.read_corpus(data, text_column=text_column, label_column=label_column)
    rows = recombined(corpus, texts)
    with tempfile.TemporaryDirectory() as folder:
        whole, part = Path(folder) / "whole.csv", Path(folder) / "part.csv"
        _write(whole, rows)
        _write(part, rows[:_COUNTED_TEXTS])
        for name, streaming in (("in memory", False), ("streaming", True)):
            # The small corpus comes first, so that imports and graphs are not measured later.
            with counted("blake2b") as exact, counted("sha256") as near:
                _run(part, streaming)
            before = _bytes_read()
            watch = _run(whole, streaming)
            passes = (_bytes_read() - before) / whole.stat().st_size
            _report(
                name,
                watch,
                exact_digests_per_text=round(len(exact) / min(texts, _COUNTED_TEXTS), 2),
                near_digests_per_text=round(len(near) / min(texts, _COUNTED_TEXTS), 2),
                file_passes=round(passes, 2) if before else None,
                texts=texts,
            )


def recombined(corpus: ls.Corpus, count: int, seed: int = 0) -> list[Row]:
    """Makes different texts, each of sentences from texts of one class.

    Args:
        corpus: Where the sentences come from.
        count: Number of texts.
        seed: The same seed makes the same texts.

    Returns:
        Texts and the names of their labels, as many sentences in each as a text of `corpus` has.
    """
    draw = random.Random(seed)
    sentences: dict[int, list[str]] = {}
    lengths: list[tuple[int, int]] = []
    for text, label in zip(corpus.texts, corpus.labels, strict=True):
        found = _SENTENCE.findall(text)
        sentences.setdefault(label, []).extend(found)
        lengths.append((label, max(2, len(found))))
    made: dict[str, str] = {}
    while len(made) < count:
        label, length = draw.choice(lengths)
        text = "".join(draw.choices(sentences[label], k=length)).replace("\n", " ").strip()
        made.setdefault(text, corpus.label_names[label])
    return list(made.items())


@contextmanager
def counted(name: str) -> Iterator[list[None]]:
    """Counts how many digests an algorithm of `hashlib` is asked for; yields an item for each."""
    calls: list[None] = []
    algorithm = getattr(hashlib, name)

    def counting(*arguments: Any, **options: Any) -> Any:
        calls.append(None)
        return algorithm(*arguments, **options)

    with mock.patch.object(hashlib, name, counting):
        yield calls


def _write(path: Path, rows: Sequence[Row]) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([("text", "label"), *rows])


def _run(data: Path, streaming: bool) -> Stopwatch:
    """Runs `fit` until training begins."""
    with tempfile.TemporaryDirectory() as folder:
        config = ls.PipelineConfig(
            data=[data],
            streaming=streaming,
            model_dir=Path(folder) / "models" / "sentiment",
            run_dir=Path(folder) / "run",
            model=ls.ModelConfig(ngrams=0),
            vector_training=_VECTORS,
        )
        watch = Stopwatch()
        with suppress(_TrainingBegins):
            ls.run_pipeline(config, watch)
    return watch


def _report(name: str, watch: Stopwatch, **facts: Any) -> None:
    measured = dict(watch.seconds)
    for step, seconds in measured.items():
        _print(f"{step}, {name}", seconds)
    measured.pop(_NOT_PREPARATION, None)
    wall, cpu = (sum(part) for part in zip(*measured.values(), strict=True))
    _print(f"all but {_NOT_PREPARATION}, {name}", (wall, cpu), **facts)


def _print(name: str, seconds: tuple[float, float], **facts: Any) -> None:
    line = {
        "benchmark": "fit_preparation",
        "name": name,
        "seconds": round(seconds[0], 2),
        "cpu_seconds": round(seconds[1], 2),
        **facts,
    }
    print(json.dumps(line), flush=True)


def _now() -> tuple[float, float]:
    return time.perf_counter(), time.process_time()


def _bytes_read() -> int:
    """Bytes that this process has read from files; 0 where the system does not say."""
    with suppress(OSError):
        return int(re.findall(r"rchar: (\d+)", Path("/proc/self/io").read_text())[0])
    return 0


if __name__ == "__main__":
    typer.run(main)
