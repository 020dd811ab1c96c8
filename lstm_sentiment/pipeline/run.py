"""Runs and resumes the whole pipeline: labelled texts in, an exported version out."""

import os
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from lstm_sentiment.command_line import shell_command
from lstm_sentiment.errors import ExportError, InvalidInputError, TrainingError
from lstm_sentiment.pipeline.compared_texts import COMPARED, load_compared, save_compared
from lstm_sentiment.pipeline.config import PipelineConfig
from lstm_sentiment.pipeline.memory import check_run_memory
from lstm_sentiment.pipeline.preparation import PreparedRun, prepare_run
from lstm_sentiment.pipeline.publishing import Publisher
from lstm_sentiment.pipeline.run_folder import (
    CONFIG,
    METRICS,
    TEST,
    begin_run,
    check_space,
    check_writable,
    clear_run,
    load_unfinished_run,
    new_run_dir,
    only_run,
    save_json,
    save_labelled_texts,
    save_or_check_data,
)
from lstm_sentiment.pipeline.run_texts import RunTexts, read_run_texts
from lstm_sentiment.progress import SILENT, Progress, muted_below
from lstm_sentiment.training.budget import settle_budget
from lstm_sentiment.training.evaluation.metrics import Evaluation
from lstm_sentiment.training.fit import fit
from lstm_sentiment.training.fit_result import FitResult
from lstm_sentiment.training.inputs.encoding import MANY_TEXTS
from lstm_sentiment.training.inputs.soft_targets import count_learned
from lstm_sentiment.training.inputs.teacher_temperature import settle_teacher
from lstm_sentiment.training.records.checkpoint import before
from lstm_sentiment.training.records.kept_views import VIEWS
from lstm_sentiment.training.records.model_file import save_model
from lstm_sentiment.training.records.tensorboard import require_tensorboard
from lstm_sentiment.training.worker_run import CHECKPOINT
from lstm_sentiment.training.workers.distribution import start_workers


@dataclass(frozen=True)
class PipelineResult:
    """Result of one run.

    Attributes:
        version_dir: Folder of the exported version.
        run_dir: Folder of the run.
        test: Scores on the test set.
        dev: Scores on the dev set.
        seconds: Wall-clock time of the run, or since it was resumed, with that of reading `texts`.
        fit: The trained classifier.
    """

    version_dir: Path
    run_dir: Path
    test: Evaluation
    dev: Evaluation
    seconds: float
    fit: FitResult

    def to_dict(self) -> dict[str, Any]:
        """Returns the JSON object that `fit --json` prints."""
        return {
            "version_dir": str(self.version_dir),
            "run_dir": str(self.run_dir),
            "test": {**self.test.summary(), **_certainty(self.test)},
            "dev": {**self.dev.summary(), **_certainty(self.dev)},
            "labels": list(self.fit.label_names),
            "tokenizer": self.fit.tokenizer.kind,
            "padding_share": self.fit.padding_share,
            "temperature": self.fit.temperature,
            "epochs": len(self.fit.history["loss"]),
            "folds": self.fit.folds,
            "seconds": round(self.seconds, 1),
        }


def _certainty(scores: Evaluation) -> dict[str, Any]:
    """Returns the number of texts and the 95 % interval of the accuracy, for JSON."""
    interval = scores.accuracy_interval
    return {"texts": scores.texts, "accuracy_interval": [interval.low, interval.high]}


def run_pipeline(
    config: PipelineConfig, progress: Progress = SILENT, *, texts: RunTexts | None = None
) -> PipelineResult:
    """Reads texts, trains a classifier, evaluates it on the test set and exports a version.

    Args:
        config: Settings of the run.
        progress: Reports every long step, and what is dropped and chosen.
        texts: What `read_run_texts` has read by `config`; `None` reads it.

    Raises:
        InvalidInputError: If an input breaks a rule, which is checked before training, or if a
            worker other than the chief calls this function; the other workers call `join_fit`.
        ConfigError: As `start_workers`, or if the `models.config` to be changed breaks a rule.
        TrainingError: If training has to stop; `resume_pipeline` continues the run.
        ExportError: If a version cannot be written.
    """
    if config.tensorboard:
        require_tensorboard()
    check_run_memory(config)
    run_dir = new_run_dir(config.run_dir)
    check_writable(Path(config.model_dir))
    return _run(config, run_dir, progress, texts, resume=False)


def resume_pipeline(
    run_dir: str | os.PathLike[str],
    progress: Progress = SILENT,
    *,
    texts: RunTexts | None = None,
) -> PipelineResult:
    """Resumes an interrupted run from its last checkpoint.

    The result is that of an uninterrupted run; on a CPU the weights are bit for bit the same.

    Args:
        run_dir: The run's folder.
        progress: As in `run_pipeline`.
        texts: What `read_run_texts` has read by the settings of the run; `None` reads it.

    Raises:
        InvalidInputError: If the folder holds no run, or a finished one, or the data have changed.
            Other errors are those of `run_pipeline`.
    """
    return _run(load_unfinished_run(run_dir), Path(run_dir), progress, texts, resume=True)


def _run(
    config: PipelineConfig,
    run_dir: Path,
    progress: Progress,
    texts: RunTexts | None,
    *,
    resume: bool,
) -> PipelineResult:
    started = time.monotonic() - (0.0 if texts is None else texts.seconds)
    # Devices can be configured only before TensorFlow computes anything.
    if not start_workers(config.training, progress).is_chief:
        raise InvalidInputError(
            "A pipeline must be run by the chief alone; the other workers call `join_fit`."
        )
    publisher = Publisher(config, progress, run_dir=run_dir)
    cache_dir = run_dir.absolute().parent / "cache"
    clear_run(run_dir, cache_dir)
    with ExitStack() as held:
        if resume:
            held.enter_context(only_run(run_dir, resume=True))

        def begin(read: RunTexts) -> None:
            # From here on the run can be resumed. Bad input leaves no folder.
            if not resume:
                held.enter_context(only_run(run_dir, resume=False))
            begin_run(config, run_dir)
            progress.say(f"Run folder: {run_dir}")
            save_compared(read, run_dir, progress)

        with _told_while_preparing(run_dir, progress):
            if resume and texts is None:
                texts = read_run_texts(config, progress, known=load_compared(run_dir, progress))
            prepared = prepare_run(
                config, progress, texts=texts, cache_dir=cache_dir, when_checked=begin
            )
        with _told_to_resume(run_dir, progress):
            return _run_prepared(config, prepared, run_dir, publisher, progress, resume, started)


@contextmanager
def _told_to_resume(run_dir: Path, progress: Progress) -> Iterator[None]:
    """Prints the command that continues the run, if it has to stop."""
    command = shell_command("fit", "--resume", run_dir)
    try:
        yield
    except (TrainingError, ExportError) as error:
        raise type(error)(f"{error} To continue: {command}") from error
    except OSError as error:
        where, reason = error.filename or run_dir, error.strerror or error
        raise TrainingError(
            f"{where}: cannot be written: {reason}. To continue: {command}"
        ) from error
    except KeyboardInterrupt:
        progress.say(f"Stopped. To continue: {command}")
        raise


@contextmanager
def _told_while_preparing(run_dir: Path, progress: Progress) -> Iterator[None]:
    """Prints the command that continues the run, if it is interrupted once it has begun."""
    try:
        yield
    except KeyboardInterrupt:
        if (run_dir / CONFIG).exists():
            progress.say(f"Stopped. To continue: {shell_command('fit', '--resume', run_dir)}")
        raise


def _run_prepared(
    config: PipelineConfig,
    prepared: PreparedRun,
    run_dir: Path,
    publisher: Publisher,
    progress: Progress,
    resume: bool,
    started: float,
) -> PipelineResult:
    texts = count_learned(prepared.train, prepared.dev, prepared.soft_labels)
    training = settle_budget(config.training, texts, progress)
    training = settle_teacher(
        training, prepared.train, prepared.dev, prepared.soft_labels, progress
    )
    config = replace(config, training=training)
    begin_run(config, run_dir)  # now with the numbers in the place of `auto`
    save_or_check_data(config, prepared, run_dir)
    save_labelled_texts(prepared.test, run_dir / TEST)
    for folder in (run_dir, Path(config.model_dir)):
        check_space(folder, prepared)
    result = _fit(config, prepared, run_dir, publisher, progress, resume=resume)
    if result.dev.oov_rate is not None:
        progress.say(
            f"Tokens of the dev texts that the vocabulary lacks: {result.dev.oov_rate:.1%}"
        )
    scores, result = result.evaluate_held_out(
        prepared.test,
        cache_dir=_token_cache(config, prepared),
        progress=muted_below(MANY_TEXTS, len(prepared.test), progress),
    )
    with progress.step("Exporting", 1) as advance:
        version_dir = publisher.best(result, scores)
        advance()
    outcome = PipelineResult(
        version_dir, run_dir, scores, result.dev, time.monotonic() - started, result
    )
    save_model(result.model, run_dir / "model.keras")
    result.tokenizer.vocabulary.save(run_dir / "vocabulary.txt")
    # Of use only to a run that is resumed. The version is exported: a file may as well stay.
    for path in (before(run_dir / CHECKPOINT), run_dir / VIEWS, run_dir / COMPARED):
        with suppress(OSError):
            path.unlink()
    parts = {"test": scores, "dev": result.dev}
    whole = {name: {**asdict(part), **_certainty(part)} for name, part in parts.items()}
    # As in the config: the same whether the run was cut off and resumed from elsewhere or not.
    paths = {"version_dir": str(version_dir.absolute()), "run_dir": str(run_dir.absolute())}
    save_json({**outcome.to_dict(), **paths, **whole}, run_dir / METRICS)
    return outcome


def _fit(
    config: PipelineConfig,
    prepared: PreparedRun,
    run_dir: Path,
    publisher: Publisher,
    progress: Progress,
    *,
    resume: bool,
) -> FitResult:
    def of_run(result: FitResult) -> FitResult:
        # `fit` itself knows neither the test set nor the unlabelled texts.
        data = {name: dict(facts) for name, facts in prepared.fingerprints.items()}
        # Names without folders: a version may go to people who must not know those.
        data["train"]["files"] = [Path(path).name for path in config.data] or ["demo corpus"]
        return replace(
            result,
            texts_seen=prepared.texts_seen,
            data=data,
            display_names=prepared.display_names,
        )

    result = fit(
        prepared.train,
        prepared.dev,
        tokenizer=prepared.tokenizer,
        vectors=prepared.vectors,
        model=prepared.model,
        training=config.training,
        start=None if prepared.start is None else prepared.start.weights,
        soft_labels=prepared.soft_labels,
        run_dir=run_dir,
        resume=resume,
        tensorboard=config.tensorboard,
        cache_dir=_token_cache(config, prepared),
        snapshots=config.snapshots,
        on_snapshot=lambda result: publisher.snapshot(of_run(result)),
        progress=progress,
    )
    return of_run(result)


def _token_cache(config: PipelineConfig, prepared: PreparedRun) -> Path | None:
    return prepared.cache_dir if config.streaming or config.cache == "disk" else None
