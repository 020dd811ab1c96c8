"""Accuracy on real reviews, always on the same dev and test texts.

    python -m benchmarks.accuracy baselines --data FOLDER --table
    python -m benchmarks.accuracy recipes --data FOLDER --sets hotel --only default --table
    python -m benchmarks.accuracy transfer --data FOLDER --table
    python -m benchmarks.accuracy curve --data FOLDER --sizes 100,300,1000,3000,all
    python -m benchmarks.accuracy table runs.jsonl

One JSON object a line and run; `--table` ends with the means as Markdown, and `table` prints those
of earlier runs. Needs the extra `bench`.
"""

import json
import os
from pathlib import Path
from typing import Annotated

import typer

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

from benchmarks.accuracy.curve import BENCHMARK
from benchmarks.accuracy.curve.draws import LabelledSet
from benchmarks.accuracy.curve.table import print_curve
from benchmarks.accuracy.scores import print_tables
from benchmarks.accuracy.sets import SET_NAMES, Sets

Data = Annotated[Path, typer.Option(help="The folder of the sets.")]
Work = Annotated[Path, typer.Option(help="Keeps trained word vectors and files made on the way.")]
Glove = Annotated[Path | None, typer.Option(help="English word vectors, else the package's.")]
Names = Annotated[str, typer.Option("--sets", help="Which sets, with commas in between.")]
Only = Annotated[list[str] | None, typer.Option(help="Only the one of this name; may repeat.")]
Seeds = Annotated[int, typer.Option(min=1, help="Seeds 0, 1, ... of the training.")]
Table = Annotated[bool, typer.Option(help="End with Markdown tables of the means.")]

_WORK = Path("runs") / "accuracy"
_ALL = ",".join(SET_NAMES)

app = typer.Typer(add_completion=False, help="Accuracy on real reviews.")


@app.command()
def baselines(
    data: Data,
    work: Work = _WORK,
    sets: Names = _ALL,
    only: Only = None,
    seeds: Seeds = 3,
    table: Table = False,
) -> None:
    """What other ways reach on the same texts."""
    from benchmarks.accuracy.baselines import run_baselines

    runs = run_baselines(Sets(data, work), _names(sets), only=only or (), seeds=range(seeds))
    if table:
        print_tables(runs)


@app.command()
def recipes(
    data: Data,
    work: Work = _WORK,
    glove: Glove = None,
    sets: Names = _ALL,
    only: Only = None,
    seeds: Seeds = 3,
    table: Table = False,
) -> None:
    """The library's classifier: the default recipe, and one change at a time."""
    from benchmarks.accuracy.recipes import run_recipes

    runs = run_recipes(Sets(data, work, glove), _names(sets), only=only or (), seeds=range(seeds))
    if table:
        print_tables(runs)


@app.command()
def transfer(
    data: Data,
    work: Work = _WORK,
    learning_rate: Annotated[float, typer.Option(help="Of the training on hotel reviews.")] = 1e-3,
    base_epochs: Annotated[int, typer.Option(help="Of the version to begin with.")] = 4,
    vector_epochs: Annotated[int | None, typer.Option(help="Of the word vectors.")] = None,
    seeds: Seeds = 3,
    table: Table = False,
) -> None:
    """Hotel reviews, begun with a version trained on other labelled reviews."""
    from benchmarks.accuracy.transfer import run_transfer

    runs = run_transfer(
        Sets(data, work),
        learning_rate=learning_rate,
        base_epochs=base_epochs,
        vector_epochs=vector_epochs,
        seeds=range(seeds),
    )
    if table:
        print_tables(runs)


@app.command()
def curve(
    data: Annotated[Path | None, typer.Option(help="The folder of the sets.")] = None,
    work: Work = _WORK,
    results: Annotated[
        Path | None, typer.Option(help="Runs are appended; those it has are not done again.")
    ] = None,
    glove: Glove = None,
    sets: Names = _ALL,
    csv: Annotated[
        Path | None, typer.Option(help="Any labelled set, as `fit --data`; instead of `--data`.")
    ] = None,
    text_column: Annotated[str, typer.Option(help="Of `--csv`.")] = "text",
    label_column: Annotated[str, typer.Option(help="Of `--csv`.")] = "label",
    sizes: Annotated[str, typer.Option(help="Numbers of labelled texts, or `all`.")] = (
        "100,300,1000,3000,all"
    ),
    draws: Annotated[int, typer.Option(min=1, help="Draws of each size.")] = 3,
    first_draw: Annotated[int, typer.Option(min=0, help="Number of the first draw.")] = 0,
    recipes: Annotated[
        str, typer.Option(help="Recipes and baselines, with commas in between.")
    ] = "TF-IDF,TF-IDF balanced,default",
    repository: Annotated[Path, typer.Option(help="A checkout, whose library trains.")] = Path(),
) -> None:
    """How right the product is with few and with many labels.

    Each set has one test part of a fifth of its texts. The draws of few texts are taken from the
    rest. The product is given a draw and the test part as files, and deals its own dev part. `all`
    is the whole set in the split of the other commands, trained with the seeds 0, 1, 2.
    """
    from benchmarks.accuracy.curve.runs import Checkout, Curve

    where = Sets((data or Path()).resolve(), work.resolve(), glove)
    if csv is not None:
        labelled = [
            LabelledSet(csv.stem, (csv.resolve(),), text_column, label_column, where.work / "draws")
        ]
    elif data is not None:
        labelled = [where.labelled(name) for name in _names(sets)]
    else:
        raise typer.BadParameter("needs `--data FOLDER` or `--csv FILE`.")
    Curve(Checkout.at(repository), where, results or work / "curve.jsonl").run(
        labelled, _sizes(sizes), range(first_draw, first_draw + draws), _recipes(recipes)
    )


@app.command("table")
def show_table(
    files: Annotated[list[Path], typer.Argument(help="What the others printed or kept.")],
    against: Annotated[
        str, typer.Option(help="Of a learning curve, the recipe that others are compared with.")
    ] = "default",
) -> None:
    """Prints the means of earlier runs as Markdown, and what the recipes of a curve differ by."""
    lines = [line for file in files for line in file.read_text("utf-8").splitlines()]
    runs = [json.loads(line) for line in lines if line.startswith("{")]
    print_tables(run for run in runs if run["benchmark"] == "accuracy")
    print_curve((run for run in runs if run["benchmark"] == BENCHMARK), against)


def _names(sets: str) -> list[str]:
    names = sets.split(",")
    unknown = sorted(set(names) - set(SET_NAMES))
    if unknown:
        raise typer.BadParameter(f"must be among {_ALL}. Received: {unknown[0]!r}.")
    return names


def _sizes(sizes: str) -> list[int | None]:
    try:
        return [None if size == "all" else int(size) for size in sizes.split(",")]
    except ValueError:
        raise typer.BadParameter(f"must be numbers or `all`. Received: {sizes!r}.") from None


def _recipes(recipes: str) -> list[str]:
    from benchmarks.accuracy.curve.baselines import BASELINES
    from benchmarks.accuracy.curve.recipes import RECIPES

    names, known = recipes.split(","), [*BASELINES, *RECIPES]
    unknown = [name for name in names if name not in known]
    if unknown:
        raise typer.BadParameter(f"must be among {', '.join(known)}. Received: {unknown[0]!r}.")
    return names


if __name__ == "__main__":
    app()
