"""False alarms of `check_drift`, and how many texts it takes to find drift."""

import csv
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

import lstm_sentiment as ls
from lstm_sentiment.drift.evidence import DriftTest
from lstm_sentiment.drift.features import MeasuredTexts
from lstm_sentiment.drift.stream import DriftStream
from lstm_sentiment.versions.drift import load_drift_reference, measure_texts

BENCHMARK = "drift streams"

_MIXED_SHARE = 0.1
_TEXTS_AT_ONCE = 256
_LOG10 = np.log(10)

Draw = Callable[[np.random.Generator, int], NDArray[np.int64]]


@dataclass(frozen=True)
class Case:
    """A kind of live texts.

    Attributes:
        name: The name in the results.
        pool: Texts to draw from, with replacement.
        draw: Draws positions in the pool.
        is_drift: Whether the texts are to be found different.
    """

    name: str
    pool: MeasuredTexts
    draw: Draw
    is_drift: bool


def export_version(corpus: ls.Corpus, train_texts: int, work: Path) -> tuple[Path, list[str]]:
    """Trains as `fit` does on a part of a set; returns the version and the texts of the rest.

    Args:
        corpus: The set.
        train_texts: Number of texts for `fit`, which splits them.
        work: Folder for the version; a version that is there is used again.
    """
    order = np.random.default_rng(0).permutation(len(corpus))
    unseen = [corpus.texts[place] for place in order[train_texts:]]
    model_dir = work / "models" / f"drift-{train_texts}"
    if model_dir.is_dir() and any(model_dir.iterdir()):
        return model_dir, unseen
    data = work / "drift.csv"
    data.parent.mkdir(parents=True, exist_ok=True)
    part = corpus.select(order[:train_texts])
    with data.open("w", encoding="utf-8", newline="") as file:
        names = (part.label_names[label] for label in part.labels)
        csv.writer(file).writerows([("text", "label"), *zip(part.texts, names, strict=True)])
    ls.run_pipeline(
        ls.PipelineConfig(data=(data,), model_dir=model_dir, run_dir=work / f"run-{train_texts}")
    )
    return model_dir, unseen


def cases(like: MeasuredTexts, other: MeasuredTexts) -> list[Case]:
    """Returns the kinds of live texts.

    Args:
        like: Texts of the set that the version was trained on, which it has not seen.
        other: Texts of another set.
    """
    size = len(like.texts)
    both = _joined(like, other)
    classes = np.asarray(like.classes)
    least = int(np.bincount(classes).argmin())
    rare, rest = np.flatnonzero(classes == least), np.flatnonzero(classes != least)

    def mixed(generator: np.random.Generator, count: int) -> NDArray[np.int64]:
        is_other = generator.random(count) < _MIXED_SHARE
        of_other = size + generator.integers(0, len(other.texts), count)
        return np.where(is_other, of_other, generator.integers(0, size, count))

    def balanced(generator: np.random.Generator, count: int) -> NDArray[np.int64]:
        is_rare = generator.random(count) < 0.5
        return np.where(is_rare, generator.choice(rare, count), generator.choice(rest, count))

    return [
        Case("same set", like, lambda g, count: g.integers(0, size, count), False),
        Case("other set", other, lambda g, count: g.integers(0, len(other.texts), count), True),
        Case(f"{_MIXED_SHARE:.0%} other set", both, mixed, True),
        Case("same set, half of the rarer class", like, balanced, True),
    ]


def run_streams(
    model_dir: Path, unseen: Sequence[str], other: Sequence[str], streams: int, texts: int
) -> Iterator[dict[str, Any]]:
    """Draws streams of each kind and looks at them as `check_drift` does.

    Yields:
        For each kind, the streams in which drift was found, and after how many texts.
    """
    predictor = ls.SavedModelPredictor(model_dir)
    test = DriftTest(load_drift_reference(predictor.version_dir))
    measured = measure_texts(predictor, unseen), measure_texts(predictor, other)
    for case in cases(*measured):
        ended = [_run(test, case, seed, texts) for seed in range(streams)]
        found = sorted(s.found_after for s in ended if s.found_after is not None)
        highest = max(stream.highest_log_e_value for stream in ended) / _LOG10
        yield {
            "benchmark": BENCHMARK,
            "live": case.name,
            "reference_texts": test.reference.tally.texts["words"],
            "pool_texts": len(case.pool.texts),
            "streams": streams,
            "stream_texts": texts,
            "alpha": test.alpha,
            "found": len(found),
            "found_after_median": float(np.median(found)) if found else None,
            "found_after_most": found[-1] if found else None,
            "highest_log10_e_value": round(float(highest), 2),
        }


def _run(test: DriftTest, case: Case, seed: int, texts: int) -> DriftStream:
    stream = DriftStream(test)
    places = case.draw(np.random.default_rng(seed), texts)
    for begin in range(0, texts, _TEXTS_AT_ONCE):
        stream.add(_selected(case.pool, places[begin : begin + _TEXTS_AT_ONCE]))
        if case.is_drift and stream.found_after is not None:
            break
    return stream


def _selected(pool: MeasuredTexts, places: NDArray[np.int64]) -> MeasuredTexts:
    columns = (pool.oov_rates, pool.classes, pool.confidences)
    return MeasuredTexts(
        [pool.texts[place] for place in places],
        *(None if column is None else column[places] for column in columns),
    )


def _joined(one: MeasuredTexts, other: MeasuredTexts) -> MeasuredTexts:
    columns = zip(
        (one.oov_rates, one.classes, one.confidences),
        (other.oov_rates, other.classes, other.confidences),
        strict=True,
    )
    return MeasuredTexts(
        [*one.texts, *other.texts],
        *(None if a is None or b is None else np.concatenate([a, b]) for a, b in columns),
    )
