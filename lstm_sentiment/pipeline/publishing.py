"""Exports the versions of a run, labels the best one and removes old ones."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from lstm_sentiment.command_line import shell_command
from lstm_sentiment.errors import ConfigError
from lstm_sentiment.export.retention import remove_old_versions
from lstm_sentiment.export.servable import export_servable
from lstm_sentiment.models_config.config import load_models_config
from lstm_sentiment.models_config.edit import Labelled, label_version
from lstm_sentiment.models_config.model_choice import find_model, named_versions
from lstm_sentiment.pipeline.config import PipelineConfig
from lstm_sentiment.pipeline.exports import Exports
from lstm_sentiment.pipeline.run_folder import TEST
from lstm_sentiment.progress import SILENT, Progress
from lstm_sentiment.training.evaluation.metrics import Evaluation
from lstm_sentiment.training.fit_result import FitResult

BEST = "best"
"""Version label of the best epoch's weights."""


class Publisher:
    """Exports the versions of one run.

    Args:
        config: Settings of the run.
        progress: Reports each exported, labelled and removed version.
        export: Writes a version, as `export_servable` does, which is the default.
        run_dir: Folder of the run, which keeps what was exported: a run that goes on exports
            nothing again. `None` keeps nothing.

    Raises:
        ConfigError: If the `models.config` breaks a rule, does not serve these versions or cannot
            be changed.
        ExportError: If a version cannot be written.
    """

    def __init__(
        self,
        config: PipelineConfig,
        progress: Progress = SILENT,
        *,
        export: Callable[..., Path] | None = None,
        run_dir: Path | None = None,
    ) -> None:
        """Checks the `models.config` before training, not after."""
        self._base = Path(config.model_dir)
        self._keep = config.keep
        self._models_config = (
            None if config.model_config_file is None else Path(config.model_config_file)
        )
        self._progress, self._run_dir = progress, run_dir
        self._export = export or partial(
            export_servable, default_signature=config.default_signature
        )
        if self._models_config is not None and self._models_config.exists():
            served = load_models_config(self._models_config)
            if find_model(served, self._base) is None:
                paths = [model.base_path for model in served.model_config_list.config]
                raise ConfigError(
                    f"{self._models_config}: must serve one model from {self._base.absolute()}, to "
                    f"label its best version. Received: {', '.join(paths) or 'no model'}."
                )

    def snapshot(self, result: FitResult) -> None:
        """Exports a classifier while training continues."""
        version_dir = self._exported(result, str(result.snapshot_step))
        self._progress.say(
            f"Version {version_dir.name}: step {result.snapshot_step:,}, "
            f"dev accuracy {result.dev.accuracy:.4f}"
        )
        self._remove_old()

    def best(self, result: FitResult, test: Evaluation) -> Path:
        """Exports the best weights and sets the version label `best`.

        Args:
            result: The trained classifier.
            test: Scores on the test set, which the version's card keeps.
        """
        version_dir = self._exported(result, BEST, test=test)
        # A server that has not read the new file yet still answers from what the label named.
        still_served = self._named_versions()
        if self._run_dir is not None and self._models_config is not None:
            # Where the run was killed after the label had moved, what it named then.
            still_served = Exports(self._run_dir, self._base).served_before(still_served)
        if self._models_config is not None:
            version = int(version_dir.name)
            labelled = label_version(self._models_config, self._base, BEST, version)
            self._progress.say(_told(labelled, version, self._models_config))
        self._remove_old(still_served)
        return version_dir

    def _exported(self, result: FitResult, name: str, **facts: Any) -> Path:
        """Exports a version, if the run has not exported it before it was cut off."""
        if self._run_dir is None:
            return self._export(result, self._base, **facts)
        facts["test_file"] = self._run_dir / TEST
        exports = Exports(self._run_dir, self._base)
        found = exports.find(name)
        if found is not None:
            self._progress.say(f"Version {found.name} is there: the run exported it before")
            return found
        return self._export(
            result, self._base, when_written=lambda folder: exports.note(name, folder), **facts
        )

    def _named_versions(self) -> frozenset[int]:
        """Returns the versions that the config names, by a label or a `specific` policy."""
        if self._models_config is None or not self._models_config.exists():
            return frozenset()
        return named_versions(load_models_config(self._models_config), self._base)

    def _remove_old(self, still_served: frozenset[int] = frozenset()) -> None:
        if self._keep is None:
            return
        protected = self._named_versions() | still_served
        removed = remove_old_versions(self._base, self._keep, protected)
        if removed:
            self._progress.say(f"Removed old versions: {', '.join(map(str, removed))}")


def _told(labelled: Labelled, version: int, path: Path) -> str:
    label = f"Label {BEST!r} of model {labelled.model_name!r}"
    if labelled.is_moved:
        return f"{label} points to version {version}: {path}"
    model = ("--model-config-file", str(path), "--model-name", labelled.model_name)
    again = shell_command("models", "label", BEST, version, *model)
    return (
        f"Version {version} is now among the specific versions of {path}. {label} does not point "
        f"to it yet. Once a server serves version {version}, move the label: "
        f"{again}"
    )
