"""The flag of the engine that answers in this process."""

from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lstm_sentiment.errors import MissingExtraError
from lstm_sentiment.light_twin.description import has_light_twin
from lstm_sentiment.serving.loading.options import Engine
from lstm_sentiment.version_folder import find_version

if TYPE_CHECKING:
    from lstm_sentiment.versions.predictor import SavedModelPredictor

_LOADING = "loading a SavedModel"


@dataclass(frozen=True)
class EngineFlags:
    """The flag of the engine, and what it stands for."""

    engine: Annotated[
        Engine,
        typer.Option(
            help="Engine that computes the answers. light reads the version's small ONNX copy "
            "and needs no TensorFlow; tensorflow loads the SavedModel; auto takes light "
            "where it reproduces the answers stored in the version, else tensorflow.",
            rich_help_panel="Engine",
        ),
    ] = "auto"

    def prepare(self, *version_dirs: Path) -> None:
        """Imports TensorFlow, which takes seconds, if it is known to answer for a version.

        Raises:
            MissingExtraError: If it is required and not installed.
        """
        if self.engine == "tensorflow":
            from lstm_sentiment.cli.console import import_tensorflow

            import_tensorflow(_LOADING)
        elif self.engine == "auto":
            if not all(map(has_light_twin, version_dirs)):
                import_tensorflow_if_installed()
            from lstm_sentiment.serving.loading import engines

            # A twin that is refused leaves the version to TensorFlow.
            engines.import_tensorflow.set(_import_with_a_message)

    def load(self, model_dir: Path) -> "SavedModelPredictor":
        """Loads a version, or the highest of a folder of versions."""
        self.prepare(find_version(model_dir))
        from lstm_sentiment.versions.predictor import SavedModelPredictor

        return SavedModelPredictor(model_dir, engine=self.engine)


def _import_with_a_message() -> None:
    from lstm_sentiment.cli.console import import_tensorflow

    import_tensorflow(_LOADING)


def import_tensorflow_if_installed() -> None:
    """Imports TensorFlow; without it, versions say themselves that they need it."""
    from lstm_sentiment.cli.console import import_tensorflow

    with suppress(MissingExtraError):
        import_tensorflow(_LOADING)
