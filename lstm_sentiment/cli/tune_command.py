"""`tune`: searches for the settings with the lowest dev loss."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lstm_sentiment.cli.flag_groups import takes_flag_groups
from lstm_sentiment.cli.options import (
    AsJson,
    ConfigFlags,
    DataFlags,
    WordFlags,
    check_writable_file,
)
from lstm_sentiment.cli.program import shell_command
from lstm_sentiment.cli.results import print_json, print_line, print_rows
from lstm_sentiment.local_paths import sqlite_path
from lstm_sentiment.pipeline.config_file import save_config

if TYPE_CHECKING:
    from lstm_sentiment.tuning.search import TrialResult, TuneResult

_SHOWN = 5


@takes_flag_groups
def tune(
    context: typer.Context,
    texts: DataFlags,
    words: WordFlags,
    trials: Annotated[
        int, typer.Option(metavar="N", help="Total number of trials, including those already done.")
    ] = 20,
    timeout_seconds: Annotated[
        float | None,
        typer.Option(help="Start no new trial after this many seconds. Default: no limit."),
    ] = None,
    storage: Annotated[
        str,
        typer.Option(
            metavar="FILE.db", help="SQLite file that keeps each result; or sqlite:///FILE.db."
        ),
    ] = "runs/tune.db",
    study: Annotated[
        str, typer.Option(metavar="NAME", help="Name of this search in the storage file.")
    ] = "tune",
    output: Annotated[
        Path,
        typer.Option(metavar="FILE.toml", help="File for the best settings, for fit --config."),
    ] = Path("tuned.toml"),
    *,
    settings: ConfigFlags,
    as_json: AsJson = False,
) -> None:
    """Tune hyperparameters: search near your settings for the lowest dev loss.

    Varies learning_rate, batch_size, label_smoothing, lstm_units, pooling,
    embedding_dropout and dropout; all other settings stay. The first trial has
    your own settings. Trials that are much worse than others are stopped early.
    The dev set decides; the test set is not used.

    After an interruption, the same command continues the search. Needs the
    extra `tune`.

    Example: python cli.py tune reviews.csv --trials 30
    """
    from lstm_sentiment.tuning.search import check_search
    from lstm_sentiment.tuning.search import tune as search

    chosen = settings.chosen(context)
    check_search(chosen, trials, timeout_seconds)
    database = sqlite_path(storage)
    check_writable_file(output)
    from lstm_sentiment.cli.console import TerminalProgress, import_tensorflow

    import_tensorflow()
    result = search(
        chosen,
        trials=trials,
        timeout_seconds=timeout_seconds,
        storage=database,
        study=study,
        progress=TerminalProgress(),
    )
    save_config(result.config, output)
    if as_json:
        print_json({**result.to_dict(), "output": str(output)})
    else:
        _print_result(result, output)


def _print_result(result: "TuneResult", output: Path) -> None:
    best_first = sorted(
        (trial for trial in result.trials if trial.state == "complete"),
        key=lambda trial: (trial.dev_loss, trial.number),
    )
    names = [name.rpartition(".")[2] for name in result.best.settings]
    table = [["trial", "dev loss", "epochs", *names], *map(_row, best_first[:_SHOWN])]
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    for row in table:
        print_line(
            "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        )
    print()
    rows = {
        "trials": f"{result.count('complete')} complete, {result.count('pruned')} pruned, "
        f"{result.count('failed')} failed",
        "settings": output,
        "time": f"{result.seconds:.0f} s",
        "next": shell_command("fit", "--config", output),
    }
    print_rows(rows.items())


def _row(trial: "TrialResult") -> list[str]:
    return [
        str(trial.number),
        f"{trial.dev_loss:.4f}",
        str(trial.epochs),
        *map(str, trial.settings.values()),
    ]
