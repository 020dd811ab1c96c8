"""The data loop on real reviews.

    python -m benchmarks.labels wrong --data hotel.csv --text-column review
    python -m benchmarks.labels next --data hotel.csv --text-column review --results next.jsonl
    python -m benchmarks.labels next-table next.jsonl --target 84
    python -m benchmarks.labels drift-streams --data hotel.csv --other books.csv

One JSON object a line and run.
"""

import json
import os
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

from benchmarks.labels.next_table import print_next

Learner = Literal["fit", "linear"]

_WORK = Path("runs") / "labels"

app = typer.Typer(add_completion=False, help="The data loop on real reviews.")


@app.command("next")
def next_texts(
    data: Annotated[Path, typer.Option(help="A labelled set, as `fit --data`.")],
    text_column: Annotated[str, typer.Option(help="Column of the texts.")] = "text",
    label_column: Annotated[str, typer.Option(help="Column of the labels.")] = "label",
    results: Annotated[Path | None, typer.Option(help="Runs are appended here.")] = None,
    work: Annotated[Path, typer.Option(help="Takes files made on the way.")] = _WORK,
    learner: Annotated[
        Learner, typer.Option(help="fit: a version, as by default; linear: balanced TF-IDF.")
    ] = "fit",
    cross_validation: Annotated[
        str, typer.Option(help="Of fit: auto, or off, which takes a fifth of the time.")
    ] = "auto",
    choices: Annotated[
        str, typer.Option(help="random, labels next, or both with a comma in between.")
    ] = "random,labels next",
    sizes: Annotated[
        str, typer.Option(help="Numbers of labels at which a classifier is trained.")
    ] = "50,75,100,125,150,200,250,300",
    draws: Annotated[int, typer.Option(min=1, help="Draws of the pool.")] = 3,
    first_draw: Annotated[int, typer.Option(min=0, help="Number of the first draw.")] = 0,
) -> None:
    """Measures how many labels `labels next` saves.

    A fifth of the texts is the test part. A draw takes two thirds of the other texts as its pool,
    whose labels are uncovered text by text: at random, or those that `choose_next` chooses, from
    the second size on by the doubts of the classifier trained before.
    """
    from benchmarks.accuracy.curve.draws import LabelledSet
    from benchmarks.labels.next_texts import linear, product, run_draw

    labelled = LabelledSet(
        data.stem, (data.resolve(),), text_column, label_column, work.resolve() / "draws"
    )
    settings = {"cross_validation": cross_validation}
    learn = linear if learner == "linear" else product(work, settings)
    name = learner if cross_validation == "auto" else f"{learner}, cross_validation off"
    numbers = list(map(int, sizes.split(",")))
    for draw in range(first_draw, first_draw + draws):
        for choice in choices.split(","):
            for run in run_draw(labelled, choice, draw, numbers, learn):
                _keep({"learner": name, **run}, results)


def _keep(run: dict[str, Any], results: Path | None) -> None:
    line = json.dumps(run, ensure_ascii=False)
    print(line, flush=True)
    if results is not None:
        results.parent.mkdir(parents=True, exist_ok=True)
        with results.open("a", encoding="utf-8") as file:
            file.write(line + "\n")


@app.command("wrong")
def wrong_labels(
    data: Annotated[Path, typer.Option(help="A labelled set, as `fit --data`.")],
    text_column: Annotated[str, typer.Option(help="Column of the texts.")] = "text",
    label_column: Annotated[str, typer.Option(help="Column of the labels.")] = "label",
    shares: Annotated[str, typer.Option(help="Shares of labels to make wrong.")] = "0.03,0.1",
    classes: Annotated[
        str, typer.Option(help="random, or labels whose texts alone get wrong ones.")
    ] = "random,0,1",
    seeds: Annotated[int, typer.Option(min=1, help="Number of draws.")] = 3,
    quick: Annotated[bool, typer.Option(help="Linear classifiers; else as `fit`.")] = True,
    work: Annotated[Path, typer.Option(help="Takes files made on the way.")] = (
        Path("runs") / "labels"
    ),
) -> None:
    """Counts the planted wrong labels that `labels check` finds, and cleanlab (extra `bench`).

    A fifth of the texts is the test part of the classifiers that are trained on the labels as they
    were, with the planted ones, without the suspects, and with the suspects corrected.
    """
    from benchmarks.labels.wrong_labels import run_planted
    from lstm_sentiment.text.corpus.reading import read_corpus

    corpus = read_corpus([data], text_column=text_column, label_column=label_column)
    for share in map(float, shares.split(",")):
        for kind in classes.split(","):
            for seed in range(seeds):
                for row in run_planted(corpus, share, kind, seed, quick=quick, work=work):
                    print(json.dumps(row, ensure_ascii=False), flush=True)


@app.command("next-table")
def next_table(
    files: Annotated[list[Path], typer.Argument(help="What `next` printed or kept.")],
    target: Annotated[float, typer.Option(help="Accuracy in %, whose labels are counted.")] = 84.0,
) -> None:
    """Prints the means of `next` as Markdown, and how many labels a target takes."""
    lines = [line for file in files for line in file.read_text("utf-8").splitlines()]
    print_next([json.loads(line) for line in lines if line.startswith("{")], target)


@app.command("drift-streams")
def drift_streams(
    data: Annotated[Path, typer.Option(help="A labelled set, as `fit --data`.")],
    other: Annotated[Path, typer.Option(help="Texts of another kind.")],
    text_column: Annotated[str, typer.Option(help="Column of the set's texts.")] = "text",
    label_column: Annotated[str, typer.Option(help="Column of the labels.")] = "label",
    other_text_column: Annotated[str, typer.Option(help="Column of the other texts.")] = "text",
    work: Annotated[Path, typer.Option(help="Takes files made on the way.")] = (
        Path("runs") / "labels"
    ),
    train_texts: Annotated[int, typer.Option(min=100, help="Texts of the set for `fit`.")] = 2_500,
    streams: Annotated[int, typer.Option(min=1, help="Streams of each kind.")] = 30,
    stream_texts: Annotated[int, typer.Option(min=1, help="Most texts of a stream.")] = 10_000,
) -> None:
    """False alarms of `models drift`, and how soon it finds drift.

    A version is trained as by `fit` on a part of the set. Streams of live texts are drawn with
    replacement from the texts that it has not seen, from those of another kind, and from mixtures.
    """
    import lstm_sentiment as ls
    from benchmarks.labels.drift_streams import export_version, run_streams

    corpus = ls.read_corpus([data], text_column=text_column, label_column=label_column)
    model_dir, unseen = export_version(corpus.drop_duplicates(), train_texts, work)
    others = ls.read_texts(other, text_column=other_text_column)
    for result in run_streams(model_dir, unseen, others, streams, stream_texts):
        print(json.dumps(result, ensure_ascii=False), flush=True)


if __name__ == "__main__":
    app()
