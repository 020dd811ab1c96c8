"""`fit`: trains, scores on held-out texts, exports the next version."""

import json
import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, get_args

import typer

from lstm_sentiment.cli.completion import one_of
from lstm_sentiment.cli.options import (
    AsJson,
    ConfigFile,
    Data,
    DevData,
    LabelColumn,
    Preset,
    Seed,
    TestData,
    TextColumn,
    TokenizerName,
    Vectors,
    chosen_config,
    refuse_other_flags,
)
from lstm_sentiment.model.config import EmbeddingStorage, ModelConfig
from lstm_sentiment.pipeline.config import PathLike, PipelineConfig
from lstm_sentiment.text.tokenizer_options import Normalization, Unknown
from lstm_sentiment.training.config import (
    ClassWeights,
    Precision,
    Schedule,
    SnapshotUnit,
    StrategyName,
    TrainingConfig,
)

if TYPE_CHECKING:
    from lstm_sentiment.pipeline.run import PipelineResult


def fit(
    context: typer.Context,
    data: Data = None,
    dev_data: DevData = None,
    test_data: TestData = None,
    text_column: TextColumn = PipelineConfig.text_column,
    label_column: LabelColumn = PipelineConfig.label_column,
    streaming: Annotated[
        bool, typer.Option(help="Leave the texts in their files: for more than fits into memory.")
    ] = PipelineConfig.streaming,
    unlabelled: Annotated[
        list[Path] | None,
        typer.Option(
            help="More texts to train word vectors on; labels are not looked at. May be repeated.",
            show_default=False,
        ),
    ] = None,
    exclude_data: Annotated[
        list[Path] | None,
        typer.Option(
            help="Texts that nothing may be learned from. May be repeated.", show_default=False
        ),
    ] = None,
    vectors: Vectors = None,
    vectors_limit: Annotated[
        int | None, typer.Option(help="Read the first N vectors only. Default: all.")
    ] = None,
    bad_rows: Annotated[
        Literal["refuse", "skip"],
        typer.Option(help="What is done with malformed and repeated rows of --vectors."),
    ] = "refuse",
    tokenizer: TokenizerName = PipelineConfig.tokenizer,
    normalization: Annotated[
        str,
        typer.Option(
            help="Spellings that count as one: none, width (full and half) or nfkc.",
            autocompletion=one_of(*get_args(Normalization)),
        ),
    ] = PipelineConfig.normalization,
    unknown: Annotated[
        str,
        typer.Option(
            help="unigram: one unknown token a run, or a character.",
            autocompletion=one_of(*get_args(Unknown)),
        ),
    ] = PipelineConfig.unknown,
    dictionary: Annotated[
        Path | None,
        typer.Option(
            help="unigram: cut by these words, one a line with its count; `jieba` takes those of "
            "the installed package. Default: by the vocabulary."
        ),
    ] = None,
    max_length: Annotated[
        int, typer.Option(help="Tokens kept of each text.")
    ] = ModelConfig.max_length,
    trainable_embeddings: Annotated[
        bool, typer.Option(help="Whether training moves the word vectors.")
    ] = ModelConfig.trainable_embeddings,
    init_from: Annotated[
        Path | None,
        typer.Option(help="Begin with the weights of this version, or a base path's latest."),
    ] = None,
    epochs: Annotated[
        int, typer.Option(help="Passes over the texts, at most.")
    ] = TrainingConfig.epochs,
    batch_size: Annotated[
        int, typer.Option(help="Texts a step, over all replicas.")
    ] = TrainingConfig.batch_size,
    learning_rate: Annotated[
        float, typer.Option(help="Step size of Adam at its highest.")
    ] = TrainingConfig.learning_rate,
    schedule: Annotated[
        Schedule, typer.Option(help="How the step size falls, or that it does not.")
    ] = TrainingConfig.schedule,
    patience: Annotated[
        int, typer.Option(help="Epochs without a lower dev loss after which training stops.")
    ] = TrainingConfig.patience,
    class_weights: Annotated[
        ClassWeights, typer.Option(help="balanced: all classes weigh alike, however rare.")
    ] = TrainingConfig.class_weights,
    label_smoothing: Annotated[
        float, typer.Option(help="Share of each label that is spread over all classes.")
    ] = TrainingConfig.label_smoothing,
    precision: Annotated[
        Precision, typer.Option(help="mixed_bfloat16 multiplies in bfloat16: for GPUs.")
    ] = TrainingConfig.precision,
    strategy: Annotated[
        str,
        typer.Option(
            help="auto, default, mirrored (a replica on each GPU) or multi-worker (all that "
            "TF_CONFIG names; see `launch`).",
            autocompletion=one_of(*get_args(StrategyName)),
        ),
    ] = TrainingConfig.strategy,
    logical_devices: Annotated[
        int | None, typer.Option(help="mirrored: divide the CPU into N devices, to try it.")
    ] = TrainingConfig.logical_devices,
    start_timeout_seconds: Annotated[
        float, typer.Option(help="multi-worker: how long to wait for the others to start.")
    ] = TrainingConfig.start_timeout_seconds,
    model_dir: Annotated[Path, typer.Option(help="The version appears in this folder.")] = Path(
        PipelineConfig.model_dir
    ),
    embedding_storage: Annotated[
        EmbeddingStorage,
        typer.Option(help="In how many bits the versions keep their word vectors."),
    ] = ModelConfig.embedding_storage,
    export_every: Annotated[
        int | None,
        typer.Option(
            help="Export a version every N epochs too, while training goes on. Default: the best "
            "weights alone, in the end."
        ),
    ] = None,
    export_unit: Annotated[
        SnapshotUnit, typer.Option(help="What --export-every counts.")
    ] = PipelineConfig.export_unit,
    keep: Annotated[
        int | None,
        typer.Option(
            help="Keep the N highest versions, and those that --model-config-file names, and "
            "remove the others. Default: keep all."
        ),
    ] = None,
    model_config_file: Annotated[
        Path | None,
        typer.Option(
            help="A models.config in which the label `best` is pointed to the new version; made "
            "where it is missing."
        ),
    ] = None,
    run_dir: Annotated[
        Path | None,
        typer.Option(help="A new folder for config, history and scores. Default: runs/TIME."),
    ] = None,
    tensorboard: Annotated[
        bool, typer.Option(help="Write curves for TensorBoard to the run's folder.")
    ] = False,
    cache: Annotated[
        Literal["memory", "disk"],
        typer.Option(help="Where token ids are kept; on disk, the next run finds them."),
    ] = "memory",
    seed: Seed = TrainingConfig.seed,
    split_seed: Annotated[
        int | None, typer.Option(help="Decides the split alone. Default: --seed.")
    ] = None,
    preset: Preset = None,
    config: ConfigFile = None,
    resume: Annotated[
        Path | None,
        typer.Option(
            metavar="RUN",
            help="Go on with the run of this folder, which was cut off. Takes its settings: goes "
            "with no other flag but --json.",
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Train a classifier, score it on held-out texts, export it as the next version.

    Example: python cli.py fit --data reviews.csv --text-column review --label-column label
    """
    if resume is not None:
        refuse_other_flags(context, "--resume", ("resume", "as_json"))
    chosen = chosen_config(context, config, preset)
    # Importing TensorFlow takes seconds: only now, when the settings are known to be right.
    from lstm_sentiment.cli.console import TerminalProgress, import_tensorflow

    import_tensorflow()
    from lstm_sentiment.pipeline import run as pipeline
    from lstm_sentiment.training.worker_run import join_fit
    from lstm_sentiment.training.workers.distribution import start_workers

    progress = TerminalProgress()
    settings = chosen if resume is None else pipeline.load_run(resume)
    if not start_workers(settings.training, progress).is_chief:
        # The chief's settings hold for all workers, so the files need not even be here.
        return join_fit(settings.training, progress=progress)
    if resume is not None:
        result = pipeline.resume_pipeline(resume, progress)
    else:
        result = pipeline.run_pipeline(chosen, progress)
    if as_json:
        print(json.dumps(result.to_dict(), ensure_ascii=False))
    else:
        _print_result(result, settings)


def _print_result(result: "PipelineResult", settings: PipelineConfig) -> None:
    rows = {
        "test accuracy": f"{result.test.accuracy:.4f}",
        "test macro-F1": f"{result.test.macro_f1:.4f}",
        "test OOV rate": f"{result.test.oov_rate:.4f}",
        "calibration": f"{result.test.calibration_error:.4f} "
        f"(error on test; {result.test.calibration_error_before:.4f} before)",
        "version": result.version_dir,
        "run": result.run_dir,
        "time": f"{result.seconds:.0f} s",
        "look": look_command(result.version_dir, result.run_dir),
        "next": next_command(result.version_dir.parent, settings.model_config_file),
    }
    for name, value in rows.items():
        print(f"{name:<15}{value}")


def look_command(version_dir: Path, run_dir: Path) -> str:
    """The command that shows how the version did on the texts it was scored on."""
    model, data = shlex.quote(str(version_dir)), shlex.quote(str(run_dir / "test.csv"))
    return f"{program()} evaluate --model {model} --data {data} --report report"


def next_command(base_path: Path, model_config_file: PathLike | None = None) -> str:
    """Returns the command that serves the exported version."""
    if model_config_file is not None:
        return f"{program()} serve --model-config-file {shlex.quote(str(model_config_file))}"
    if base_path == Path("models/sentiment"):
        return f"{program()} serve"
    name, path = (shlex.quote(part) for part in (base_path.name, str(base_path)))
    return f"{program()} serve --model-name {name} --model-base-path {path}"


def program() -> str:
    """What the user typed to get here."""
    return "python cli.py" if Path(sys.argv[0]).name == "cli.py" else "lstm-sentiment"
