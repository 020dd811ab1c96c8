"""`labels`: which labels are likely wrong, and which texts to label next."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lstm_sentiment.checks import in_range, positive, require_train
from lstm_sentiment.cli.flag_groups import takes_flag_groups
from lstm_sentiment.cli.from_log_command import from_log
from lstm_sentiment.cli.labels_next_command import choose
from lstm_sentiment.cli.options import (
    AsJson,
    BadRowsFlag,
    ConfigFlags,
    EncodingFlag,
    LabelColumn,
    TextColumn,
    WordFlags,
    check_writable_file,
    check_writable_table,
)
from lstm_sentiment.cli.program import shell_command
from lstm_sentiment.cli.results import print_json, print_rows
from lstm_sentiment.encodings import AUTO
from lstm_sentiment.labels.issues import MOST_FOLDS
from lstm_sentiment.labels.page.render import SAVED, require_page_libraries, write_labels_page
from lstm_sentiment.pipeline.config import PipelineConfig

if TYPE_CHECKING:
    from lstm_sentiment.labels.issues import LabelIssues

labels = typer.Typer(
    help="Find labels that are likely wrong, and texts to label next.\n\n"
    "Example: python cli.py labels check --data reviews.csv --output suspects.csv",
    no_args_is_help=True,
)
labels.command("next")(choose)
labels.command()(from_log)

_NAME_COLUMNS = 20
_CONFUSIONS = 10


@labels.command()
@takes_flag_groups
def check(
    context: typer.Context,
    data: Annotated[
        list[Path],
        typer.Option(
            help="Labelled texts: .csv, .tsv, .jsonl, .parquet or .xlsx; or a .txt file for each "
            "class, named after the class; or a folder of such files. May be repeated.",
            show_default=False,
        ),
    ],
    output: Annotated[
        Path,
        typer.Option(
            metavar="FILE.csv",
            help="File for the suspects, the most likely errors first, with their original "
            "columns.",
        ),
    ] = Path("suspects.csv"),
    page: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE.html",
            help="Also write a web page on which you keep, change or drop each label; it saves "
            "corrections.csv for `fit --corrections` (extra `report`).",
        ),
    ] = None,
    corrections: Annotated[
        list[Path] | None,
        typer.Option(
            help="Corrections of an earlier round. Their labels replace those of the files, "
            "and their texts are not checked again. May be repeated.",
            show_default=False,
        ),
    ] = None,
    text_column: TextColumn = "text",
    label_column: LabelColumn = "label",
    bad_rows: BadRowsFlag = "refuse",
    encoding: EncodingFlag = AUTO,
    quick: Annotated[
        bool,
        typer.Option(
            "--quick",
            help="Score with a linear n-gram classifier in seconds, instead of one LSTM "
            "training per fold.",
        ),
    ] = False,
    number: Annotated[
        int | None,
        typer.Option(
            metavar="N",
            help="Number of suspects to write. Default: the estimated number of wrong labels.",
        ),
    ] = None,
    folds: Annotated[
        int,
        typer.Option(help="Number of folds; each is scored by a classifier trained on the others."),
    ] = 5,
    *,
    words: WordFlags,
    settings: ConfigFlags,
    as_json: AsJson = False,
) -> None:
    """Find the labels that are likely wrong.

    Each text is scored by classifiers that were not trained on it. The command
    estimates how many labels are wrong and lists that many, the least likely
    first. Equal texts with different labels come before all others, as do texts
    that differ only in punctuation.

    Example: python cli.py labels check --data reviews.csv --output suspects.csv
    """
    require_train("checking labels")
    check_writable_table(output)
    in_range(2, MOST_FOLDS, folds=folds)
    positive(number=number)
    if page is not None:
        require_page_libraries()
        check_writable_file(page)
    config = settings.chosen(context)
    from lstm_sentiment.cli.console import TerminalProgress, import_tensorflow
    from lstm_sentiment.labels.check import find_label_issues
    from lstm_sentiment.labels.decided import with_decided_labels, without_decided
    from lstm_sentiment.labels.labelled_files import read_labelled_files
    from lstm_sentiment.labels.page.issues_page import issues_page
    from lstm_sentiment.labels.suspects_file import save_suspects
    from lstm_sentiment.text.corpus.corrections import read_corrections

    decided = read_corrections(corrections or ())
    progress = TerminalProgress()
    files = read_labelled_files(
        data,
        text_column=text_column,
        label_column=label_column,
        bad_rows=config.bad_rows,
        encoding=config.encoding,
        progress=progress,
    )
    corpus = with_decided_labels(files.corpus, decided)
    if not quick:
        import_tensorflow()
    every = find_label_issues(
        corpus,
        quick=quick,
        number=number,
        config=config,
        folds=folds,
        seed=config.training.seed,
        progress=progress,
    )
    found = without_decided(every, decided)
    save_suspects(found, files, output)
    if page is not None:
        command = fit_command(data, text_column, label_column, corrections or ())
        content = issues_page(
            found, files, next_command=command, seed=config.training.seed, progress=progress
        )
        write_labels_page(content, page)
    if as_json:
        written = {"output": output} | ({} if page is None else {"page": page})
        print_json(found.to_dict() | {name: str(path) for name, path in written.items()})
    else:
        _print_result(found, len(every.issues) - len(found.issues), output, page)


def fit_command(
    data: Sequence[Path], text_column: str, label_column: str, corrections: Sequence[Path]
) -> str:
    """Returns the command that trains with all corrections, also the ones that the page saves."""
    arguments: list[str | Path] = [part for path in data for part in ("--data", path)]
    if text_column != PipelineConfig.text_column:
        arguments += ["--text-column", text_column]
    if label_column != PipelineConfig.label_column:
        arguments += ["--label-column", label_column]
    for path in (*corrections, Path(SAVED["check"])):
        arguments += ["--corrections", path]
    return shell_command("fit", *arguments)


def _print_result(found: "LabelIssues", decided: int, output: Path, page: Path | None) -> None:
    rows: list[tuple[str, object]] = [
        ("texts", f"{found.texts:,} different ones, each scored by classifiers of the others"),
        ("accuracy", f"{found.accuracy.value:.4f} against the given labels"),
    ]
    if found.unchecked:
        rows.append(("unchecked", f"{found.unchecked:,} texts of classes with too few texts"))
    kinds = ", ".join(f"{count:,} {kind}" for kind, count in found.counts().items() if count)
    rows.append(("suspects", f"{len(found.issues):,}" + (f": {kinds}" if kinds else "")))
    if decided:
        rows.append(("decided", f"{decided:,} more, by the corrections"))
    for name, noise in found.noise.items():
        share = f"{noise.value:.1%}, 95% interval {noise.low:.1%} to {noise.high:.1%}"
        rows.append((f"wrong among {name}", share))
    for confusion in found.confusions[:_CONFUSIONS]:
        pair = f"labelled {confusion.given_label}, probably {confusion.likely_label}"
        rows.append(("confused", f"{pair}: about {confusion.texts:,.0f} texts"))
    rows.append(("output", output))
    if page is not None:
        rows.append(("page", page))
    from rich.cells import cell_len

    print_rows(rows, max(_NAME_COLUMNS, *(cell_len(name) + 2 for name, _ in rows)))
