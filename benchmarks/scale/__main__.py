"""Training on more text than memory should hold, and scoring a million texts.

    python -m benchmarks.scale fit --work scale
    python -m benchmarks.scale score --work scale
    python -m benchmarks.scale plot --work scale --svg docs/scale.svg
    python -m benchmarks.scale memory --work scale --data reviews.csv --text-column review

Linux only. `fit` makes a million long texts (2.2 GiB) of the demo corpus (extra `demo`) by joining
sentences of one class. It trains on them with `streaming` on one thread, kills the process with
SIGKILL in the middle of the epoch, and resumes the run. `score` makes a million short texts in the
same way, and classifies them with the engines `local` and `ray` (extra `ray`). Both commands print
one JSON object a line, and record the memory of the process and its descendants once a second, with
all messages, in `fit.jsonl` and `score.jsonl` in the folder of `--work`. `plot` draws the records.
`memory` trains on a file of your own with the default settings, with texts in memory and with
`streaming`, and prints the largest memory of each training.

The sentences of a text are drawn at random, and the same sentences occur in the training and in the
test set: the accuracy of such a model means nothing.
"""

import json
import shutil
from pathlib import Path
from typing import Annotated

import typer

from benchmarks.scale.memory import MemoryRecord
from benchmarks.scale.plot import draw
from benchmarks.scale.record import Record
from benchmarks.scale.scoring import ENGINES, difference, score_with
from benchmarks.scale.texts import recombined, sentences_by_label, write_shards
from benchmarks.scale.training import SETTINGS, train, train_with_a_kill

app = typer.Typer(add_completion=False)
Work = Annotated[Path, typer.Option(help="Folder for texts, runs, versions and records.")]
Rows = Annotated[int, typer.Option(min=1_000, help="Texts to make, a multiple of 1,000.")]

_FIT, _SCORE, _MEMORY = "fit.jsonl", "score.jsonl", "memory.jsonl"
_LONG, _SHORT = (10, 40), (1, 3)  # sentences of a text
_LONG_SHARDS, _SHORT_SHARDS = 20, 200


@app.command()
def fit(
    work: Work,
    rows: Rows = 1_000_000,
    kill_at_step: Annotated[
        int, typer.Option(min=1, help="The run is killed after a checkpoint of so many steps.")
    ] = 1_500,
) -> None:
    """Trains on long texts with `streaming`, is killed in the middle, and resumes."""
    texts = _texts(work, "long", rows, _LONG_SHARDS, _LONG, seed=0)
    record = MemoryRecord(work / _FIT)
    if not train_with_a_kill(record, texts, work, kill_at_step, SETTINGS):
        raise SystemExit("error: the run must be killed once, and end when it is resumed.")
    for run in Record.load(work / _FIT).runs:
        _report(run.name, rows=rows, bytes=_size(texts), **run.facts())


@app.command()
def score(
    work: Work,
    model: Annotated[
        Path | None, typer.Option(help="Base path or folder of a version. Default: that of `fit`.")
    ] = None,
    rows: Rows = 1_000_000,
) -> None:
    """Classifies short texts with the engines `local` and `ray`, and compares the answers."""
    texts = _texts(work, "short", rows, _SHORT_SHARDS, _SHORT, seed=1)
    path = work / _SCORE
    path.unlink(missing_ok=True)
    record, outputs = MemoryRecord(path), [work / f"scored-{engine}" for engine in ENGINES]
    for engine, output in zip(ENGINES, outputs, strict=True):
        found = score_with(
            engine,
            record,
            texts,
            model or work / "models" / "sentiment",
            output,
            rows // _SHORT_SHARDS,
        )
        run = Record.load(path).runs[-1]
        _report(
            f"score --engine {engine}",
            per_second=found["texts_per_second"],
            texts=found["texts"],
            bytes=_size(texts),
            **run.facts(),
        )
    same, other, largest = difference(*outputs)
    _report("answers", texts=same, other_labels=other, largest_difference=largest)


@app.command()
def plot(
    work: Work,
    svg: Annotated[Path, typer.Option(help="File to write.")],
    rows: Rows = 1_000_000,
) -> None:
    """Draws both records as an SVG."""
    fit, score = (Record.load(work / name) for name in (_FIT, _SCORE))
    svg.write_text(draw(fit, score, _size(work / f"long-{rows}")), "utf-8")


@app.command()
def memory(
    work: Work,
    data: Annotated[Path, typer.Option(help="As `fit --data`.")],
    text_column: str = "text",
    label_column: str = "label",
    preset: Annotated[str, typer.Option(help="As `fit --preset`.")] = "",
) -> None:
    """Trains with the default settings, in memory and with `streaming`; prints the memory."""
    path = work / _MEMORY
    path.unlink(missing_ok=True)
    record = MemoryRecord(path)
    columns = ("--text-column", text_column, "--label-column", label_column)
    for name, streaming in (("fit, in memory", "false"), ("fit, streaming", "true")):
        flags = ["--set", f"streaming={streaming}", *(("--preset", preset) if preset else ())]
        if not train(record, name, data, work, [*columns, *flags]):
            raise SystemExit(f"error: `fit` must end well: see {path}.")
        _report(name, **Record.load(path).runs[-1].facts())


def _texts(
    work: Path, name: str, rows: int, shards: int, sentences: tuple[int, int], *, seed: int
) -> Path:
    """Returns the folder of texts, which are made where they are missing."""
    folder = work / f"{name}-{rows}"
    if not folder.is_dir():
        made, unfinished = recombined(sentences_by_label(), *sentences, seed=seed), work / "making"
        shutil.rmtree(unfinished, ignore_errors=True)
        write_shards(unfinished, made, shards=shards, rows_a_shard=rows // shards)
        unfinished.rename(folder)
    return folder


def _size(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.glob("*.csv"))


def _report(name: str, **facts: object) -> None:
    print(json.dumps({"benchmark": "scale", "name": name, **facts}), flush=True)


if __name__ == "__main__":
    app()
