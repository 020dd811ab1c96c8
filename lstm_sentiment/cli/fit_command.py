"""`fit`: trains, scores on held-out texts, exports the next version."""

import os
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, get_args

import typer

from lstm_sentiment.checks import require_train
from lstm_sentiment.cli import fit_check
from lstm_sentiment.cli.completion import one_of
from lstm_sentiment.cli.fit_check import FEW_TEST_TEXTS
from lstm_sentiment.cli.flag_groups import takes_flag_groups
from lstm_sentiment.cli.options import (
    TRAINING,
    WORDS,
    AsJson,
    ConfigFlags,
    DataFlags,
    WordFlags,
    refuse_other_flags,
)
from lstm_sentiment.cli.program import shell_command
from lstm_sentiment.cli.results import print_json, print_rows
from lstm_sentiment.cli.setting_flags import OldFlags, deprecation
from lstm_sentiment.display_names import read_display_names
from lstm_sentiment.errors import TrainingError
from lstm_sentiment.model.config import ModelConfig
from lstm_sentiment.pipeline.config import PathLike, PipelineConfig
from lstm_sentiment.pipeline.memory import check_run_memory
from lstm_sentiment.training.config import StrategyName, TrainingConfig

if TYPE_CHECKING:
    from lstm_sentiment.pipeline.run import PipelineResult
    from lstm_sentiment.pipeline.run_texts import RunTexts
    from lstm_sentiment.progress import Progress
    from lstm_sentiment.training.evaluation.metrics import Evaluation

_CLUSTER = "TF_CONFIG"
_MACHINES, _OUTPUT = "Several machines", "Output"


@takes_flag_groups
def fit(
    context: typer.Context,
    data: DataFlags,
    *,
    words: WordFlags,
    max_length: Annotated[
        int,
        typer.Option(help="Tokens kept of each text, from its start.", rich_help_panel=WORDS),
    ] = ModelConfig.max_length,
    epochs: Annotated[
        str,
        typer.Option(
            metavar="N|auto",
            help="Maximum number of passes over the training texts. auto chooses it by the number "
            "of texts.",
            autocompletion=one_of("auto"),
            rich_help_panel=TRAINING,
        ),
    ] = str(TrainingConfig.epochs),
    batch_size: Annotated[
        str,
        typer.Option(
            metavar="N|auto",
            help="Global batch size: texts per step, over all replicas. auto chooses it by the "
            "number of texts.",
            autocompletion=one_of("auto"),
            rich_help_panel=TRAINING,
        ),
    ] = str(TrainingConfig.batch_size),
    settings: ConfigFlags,
    resume: Annotated[
        Path | None,
        typer.Option(
            metavar="RUN",
            help="Continue the interrupted run of this folder, with its settings. No other flag "
            "but --json may be given.",
            rich_help_panel=TRAINING,
        ),
    ] = None,
    strategy: Annotated[
        str,
        typer.Option(
            metavar="|".join(get_args(StrategyName)),
            help="Distribution strategy of TensorFlow. mirrored: a replica on each GPU of this "
            "machine; multi-worker: the machines in TF_CONFIG (see `launch`); auto chooses.",
            autocompletion=one_of(*get_args(StrategyName)),
            rich_help_panel=_MACHINES,
        ),
    ] = TrainingConfig.strategy,
    model_dir: Annotated[
        Path,
        typer.Option(
            help="Base path: the folder in which the new version appears.", rich_help_panel=_OUTPUT
        ),
    ] = Path(PipelineConfig.model_dir),
    label_names: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Names to show instead of labels, by language: JSON such as "
            '{"0": {"en": "negative", "zh": "差评"}}, or TOML.',
            rich_help_panel=_OUTPUT,
        ),
    ] = None,
    run_dir: Annotated[
        Path | None,
        typer.Option(
            help="New folder for settings, checkpoints and scores. Default: runs/TIME.",
            rich_help_panel=_OUTPUT,
        ),
    ] = None,
    model_config_file: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="models.config in which the label `best` is set to the new version; it is created "
            "if missing.",
            rich_help_panel=_OUTPUT,
        ),
    ] = None,
    check: Annotated[
        bool,
        typer.Option(
            "--check",
            help="Check data and settings in seconds, without training: classes, lengths, "
            "repeated and contradictory texts, steps, memory.",
            rich_help_panel=_OUTPUT,
        ),
    ] = False,
    print_config: Annotated[
        bool,
        typer.Option(
            "--print-config",
            help="Print all settings as a file for --config, and exit.",
            rich_help_panel=_OUTPUT,
        ),
    ] = False,
    as_json: AsJson = False,
    old: OldFlags,
) -> None:
    """Train a classifier, evaluate it on held-out texts, and export it as the next version.

    Every other setting, such as the size of the LSTM or the dropout, is given with --set or in
    the file of --config. Start with fit FILE --check.

    Example: python cli.py fit reviews.csv --text-column review --label-column label
    """
    if resume is not None:
        refuse_other_flags(context, "--resume", ("resume", "as_json"))
    config = settings.chosen(context)
    if config.label_names is not None:
        read_display_names(config.label_names)
    from lstm_sentiment.cli.console import TerminalProgress, import_tensorflow, say

    if line := deprecation(context):
        say(line)
    if print_config:
        return fit_check.print_config(config)
    check_run_memory(config)
    if check:
        return fit_check.check(config, as_json=as_json)
    require_train()
    progress = TerminalProgress()
    # Importing TensorFlow takes seconds: only when settings and texts are known to be right.
    config, texts = _read(config, resume, progress)
    import_tensorflow()
    from lstm_sentiment.pipeline.run import resume_pipeline, run_pipeline
    from lstm_sentiment.training.worker_run import join_fit
    from lstm_sentiment.training.workers.distribution import start_workers

    workers = start_workers(config.training, progress)
    if not workers.is_chief:
        # The chief's settings go for all workers: the files need not even be on this machine.
        join_fit(config.training, progress=progress)
        return workers.finish()
    if resume is not None:
        result = resume_pipeline(resume, progress, texts=texts)
    else:
        result = run_pipeline(config, progress, texts=texts)
    if as_json:
        print_json(result.to_dict())
    else:
        _print_result(result, config)
    with suppress(TrainingError):  # the run is complete, whoever was lost
        workers.finish()


def _read(
    config: PipelineConfig, resume: Path | None, progress: "Progress"
) -> tuple[PipelineConfig, "RunTexts | None"]:
    """Returns the settings of the run, and its texts unless other workers may have to read them."""
    from lstm_sentiment.pipeline import run_folder
    from lstm_sentiment.pipeline.compared_texts import load_compared
    from lstm_sentiment.pipeline.run_texts import read_run_texts

    if resume is not None:
        config = run_folder.load_unfinished_run(resume)
    # Of several workers, the chief alone reads the texts, and which one it is TensorFlow decides.
    if os.environ.get(_CLUSTER):
        return config, None
    if resume is not None:
        known = load_compared(resume, progress)
        return config, read_run_texts(config, progress, known=known)
    run_folder.check_folders(config)
    return config, read_run_texts(config, progress)


def _print_result(result: "PipelineResult", config: PipelineConfig) -> None:
    from lstm_sentiment.cli.console import say

    rows = {
        "test accuracy": _with_interval(result.test),
        "test macro-F1": _macro_f1(result.test),
        "test OOV rate": f"{result.test.oov_rate:.4f}, the share of tokens that are not in the "
        "vocabulary",
        "calibration": f"error {result.test.calibration_error:.3f} "
        f"({result.test.calibration_error_before:.3f} without the temperature)",
        **_dev_row(result),
        "version": result.version_dir,
        "run": result.run_dir,
        "time": f"{result.seconds:.0f} s",
        "report": look_command(result.version_dir),
        "next": next_command(result.version_dir.parent, config.model_config_file),
    }
    print_rows(rows.items())
    if result.test.texts < FEW_TEST_TEXTS:
        say(
            f"{result.test.texts} test texts are few: label more, or give a test set of "
            "your own with --test-data FILE"
        )


def _dev_row(result: "PipelineResult") -> dict[str, str]:
    folds = result.fit.folds
    if not folds:
        return {}
    return {"dev accuracy": f"{_with_interval(result.dev)} in {folds} folds of a cross-validation"}


def _with_interval(scores: "Evaluation") -> str:
    interval = scores.accuracy_interval
    return (
        f"{scores.accuracy:.4f}, 95% interval {interval.low:.4f} to {interval.high:.4f}, "
        f"{scores.texts:,} texts"
    )


def _macro_f1(scores: "Evaluation") -> str:
    import numpy as np

    from lstm_sentiment.versions.significance import estimate_macro_f1

    matrix = np.array(scores.confusion_matrix)
    cells = np.repeat(np.arange(matrix.size), matrix.ravel())
    estimate = estimate_macro_f1(*np.divmod(cells, len(matrix)))
    return f"{scores.macro_f1:.4f}, 95% interval {estimate.low:.4f} to {estimate.high:.4f}"


def look_command(version_dir: Path) -> str:
    """Returns the command that shows which held-out texts the version mistook."""
    if version_dir.parent == Path(PipelineConfig.model_dir):
        return shell_command("evaluate", "--report", "report")
    return shell_command("evaluate", "--model", version_dir, "--report", "report")


def next_command(base_path: Path, model_config_file: PathLike | None = None) -> str:
    """Returns the command that serves the exported version."""
    if model_config_file is not None:
        return shell_command("serve", "--model-config-file", model_config_file)
    if base_path == Path(PipelineConfig.model_dir):
        return shell_command("serve")
    return shell_command("serve", "--model-name", base_path.name, "--model-base-path", base_path)
