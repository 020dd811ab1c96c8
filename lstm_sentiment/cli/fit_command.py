"""`fit`: trains, scores on held-out texts, exports the next version."""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, get_args

import typer

from lstm_sentiment.checks import require_train
from lstm_sentiment.cli import fit_check
from lstm_sentiment.cli.completion import one_of
from lstm_sentiment.cli.fit_check import FEW_TEST_TEXTS
from lstm_sentiment.cli.flag_groups import takes_flag_groups
from lstm_sentiment.cli.options import (
    DATA,
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
    streaming: Annotated[
        bool,
        typer.Option(
            help="Read texts from disk instead of loading them all into memory.",
            rich_help_panel=DATA,
        ),
    ] = PipelineConfig.streaming,
    *,
    words: WordFlags,
    max_length: Annotated[
        int, typer.Option(help="Tokens kept of each text.", rich_help_panel=WORDS)
    ] = ModelConfig.max_length,
    epochs: Annotated[
        str,
        typer.Option(
            metavar="N",
            help="Passes over the texts, at most. auto takes enough for the number of texts.",
            rich_help_panel=TRAINING,
        ),
    ] = str(TrainingConfig.epochs),
    batch_size: Annotated[
        str,
        typer.Option(
            metavar="N",
            help="Global batch size: texts a step, over all replicas. auto takes smaller ones "
            "where texts are few.",
            rich_help_panel=TRAINING,
        ),
    ] = str(TrainingConfig.batch_size),
    init_from: Annotated[
        Path | None,
        typer.Option(
            help="Begin with the weights of this version, or a base path's latest.",
            rich_help_panel=TRAINING,
        ),
    ] = None,
    settings: ConfigFlags,
    resume: Annotated[
        Path | None,
        typer.Option(
            metavar="RUN",
            help="Go on with the run of this folder, which was cut off. Takes its settings: goes "
            "with no other flag but --json.",
            rich_help_panel=TRAINING,
        ),
    ] = None,
    strategy: Annotated[
        str,
        typer.Option(
            help="auto, default, mirrored (a replica on each GPU) or multi-worker (all that "
            "TF_CONFIG names; see `launch`).",
            autocompletion=one_of(*get_args(StrategyName)),
            rich_help_panel=_MACHINES,
        ),
    ] = TrainingConfig.strategy,
    model_dir: Annotated[
        Path,
        typer.Option(help="The version appears in this folder.", rich_help_panel=_OUTPUT),
    ] = Path(PipelineConfig.model_dir),
    label_names: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Names that people see in the place of labels, by language: JSON such as "
            '{"0": {"en": "negative", "zh": "差评"}}, or TOML.',
            rich_help_panel=_OUTPUT,
        ),
    ] = None,
    run_dir: Annotated[
        Path | None,
        typer.Option(
            help="A new folder for config, history and scores. Default: runs/TIME.",
            rich_help_panel=_OUTPUT,
        ),
    ] = None,
    keep: Annotated[
        int | None,
        typer.Option(
            help="Keep the N highest versions and all versions that --model-config-file names; "
            "remove the others. Default: keep all.",
            rich_help_panel=_OUTPUT,
        ),
    ] = None,
    model_config_file: Annotated[
        Path | None,
        typer.Option(
            help="A models.config in which the label `best` is pointed to the new version; made "
            "where it is missing.",
            rich_help_panel=_OUTPUT,
        ),
    ] = None,
    check: Annotated[
        bool,
        typer.Option(
            "--check",
            help="Read data and settings, print what a run would do, and end: classes, lengths, "
            "repeated and contradictory texts, steps, memory. Takes seconds.",
            rich_help_panel=_OUTPUT,
        ),
    ] = False,
    print_config: Annotated[
        bool,
        typer.Option(
            "--print-config",
            help="Print all settings as a file for --config, and end.",
            rich_help_panel=_OUTPUT,
        ),
    ] = False,
    as_json: AsJson = False,
    old: OldFlags,
) -> None:
    """Train a classifier, evaluate it on held-out texts, export it as the next version.

    All settings are listed in docs/configuration.md: --set and --config take any of them.

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

    if not start_workers(config.training, progress).is_chief:
        # The chief's settings go for all workers: the files need not even be on this machine.
        return join_fit(config.training, progress=progress)
    if resume is not None:
        result = resume_pipeline(resume, progress, texts=texts)
    else:
        result = run_pipeline(config, progress, texts=texts)
    if as_json:
        print_json(result.to_dict())
    else:
        _print_result(result, config)


def _read(
    config: PipelineConfig, resume: Path | None, progress: "Progress"
) -> tuple[PipelineConfig, "RunTexts | None"]:
    """Returns the settings of the run, and its texts unless other workers may have to read them."""
    from lstm_sentiment.pipeline import run_folder
    from lstm_sentiment.pipeline.run_texts import read_run_texts

    if resume is not None:
        config = run_folder.load_unfinished_run(resume)
    elif not os.environ.get(_CLUSTER):
        run_folder.check_folders(config)
    # Of several workers, the chief alone reads the texts, and which one it is TensorFlow decides.
    return config, None if os.environ.get(_CLUSTER) else read_run_texts(config, progress)


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
        "look": look_command(result.version_dir),
        "next": next_command(result.version_dir.parent, config.model_config_file),
    }
    print_rows(rows.items())
    if result.test.texts < FEW_TEST_TEXTS:
        say(
            f"{result.test.texts} test texts are few: label more, or score the version on texts "
            "of your own with --test-data FILE"
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
