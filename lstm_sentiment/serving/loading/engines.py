"""Loads a version by the engine that was chosen, or by the first that can."""

from collections.abc import Callable
from contextvars import ContextVar
from functools import partial
from pathlib import Path

from lstm_sentiment.checks import train_imports
from lstm_sentiment.errors import InvalidInputError, MissingExtraError
from lstm_sentiment.light_twin.description import has_light_twin
from lstm_sentiment.serving.batching.scheduler import BatchScheduler
from lstm_sentiment.serving.errors import (
    LightEngineRefusedError,
    NoLightTwinError,
    OtherEngineError,
    ServableLoadError,
)
from lstm_sentiment.serving.loading.options import Engine, LoadingOptions
from lstm_sentiment.serving.log_lines import get_logger
from lstm_sentiment.serving.servable import Loader, Servable
from lstm_sentiment.serving.servable_id import ServableId
from lstm_sentiment.serving.thread_priority import at_normal_priority
from lstm_sentiment.version_digests import check_version

logger = get_logger(__name__)

import_tensorflow: ContextVar[Callable[[], None]] = ContextVar(
    "import_tensorflow", default=lambda: None
)
"""Called before TensorFlow is imported, which takes seconds: may import it with a message."""

_IN_WORDS: dict[str | None, str] = {"light": "the light engine", "tensorflow": "TensorFlow"}


class VersionLoader:
    """The loader of one version folder, whichever engine answers.

    With `auto`, the light engine answers where the version has a light twin whose answers are those
    of the version's card; else TensorFlow, where it is installed. XLA compiles TensorFlow's graph,
    so with `auto` it requires TensorFlow.
    """

    def __init__(
        self,
        servable_id: ServableId,
        path: Path,
        *,
        loading: LoadingOptions,
        scheduler: BatchScheduler | None = None,
    ) -> None:
        """Creates a loader; reads nothing yet.

        Args:
            servable_id: The version's id, for messages.
            path: The version's folder, which holds `saved_model.pb`.
            loading: The engine, warmup and compilation.
            scheduler: Batches requests to the version; `None` for no batching.
        """
        self._id, self._path = servable_id, path
        self._loading, self._scheduler = loading, scheduler
        is_compiled = loading.engine == "auto" and loading.xla_cpu_compilation_enabled
        self._engine: Engine = "tensorflow" if is_compiled else loading.engine
        self._instead: Loader | None = None
        self._loader: Loader | None = None
        self._is_whole = False

    @property
    def engine(self) -> str | None:
        """The engine that has loaded the version, `light` or `tensorflow`; else `None`."""
        return None if self._loader is None else self._loader.engine

    def estimate_bytes(self) -> int:
        """Estimates the version's memory, by the engine that `load` will try.

        Raises:
            ServableLoadError: If a file cannot be read, or the version has no light twin and may
                be loaded by nothing else.
            MissingExtraError: If the version needs TensorFlow, which is not installed.
        """
        try:
            return self._next().estimate_bytes()
        except LightEngineRefusedError as refused:
            return self._after_refusal(refused).estimate_bytes()

    def load(self) -> Servable:
        """Loads the version by an engine, and logs which.

        Raises:
            OtherEngineError: If the light engine refuses the version, and TensorFlow may load it:
                call again.
            ServableLoadError: One line, if the version cannot be loaded.
            MissingExtraError: If it needs TensorFlow, which is not installed.
        """
        loader = self._next()
        self._check_files()
        try:
            servable = loader.load()
        except LightEngineRefusedError as refused:
            # TensorFlow may be imported only now, and starts threads.
            self._instead = at_normal_priority(partial(self._after_refusal, refused))
            logger.warning("TensorFlow answers instead of the light engine: %s", refused)
            raise OtherEngineError(str(refused)) from refused
        self._loader = loader
        name, number = self._id.name, self._id.version
        logger.info("%s version %s: loaded by %s", name, number, _IN_WORDS[loader.engine])
        return servable

    def unload(self) -> None:
        """Frees the version's memory."""
        loader, self._loader = self._loader, None
        if loader is not None:
            loader.unload()

    def _check_files(self) -> None:
        """Checks that no file is damaged, whichever engine reads it."""
        if self._is_whole:
            return
        try:
            check_version(self._path)
        except InvalidInputError as error:
            # The message reaches clients, whom the server's folders do not concern.
            reason = str(error).replace(f"{self._path}/", "")
            raise ServableLoadError(
                f"version {self._id.version} of model {self._id.name} could not be loaded: {reason}"
            ) from error
        self._is_whole = True

    def _next(self) -> Loader:
        """Makes the loader of the engine to try now."""
        if self._instead is not None:
            return self._instead
        if self._engine == "tensorflow":
            return self._tensorflow()
        if has_light_twin(self._path):
            return self._light()
        name = f"version {self._id.version} of model {self._id.name}"
        if self._engine == "light":
            raise NoLightTwinError(
                f"{name} could not be loaded: it has no light twin. `models twin` makes one."
            )
        return self._tensorflow(f"{name} has no light twin, which `models twin` makes, and ")

    def _after_refusal(self, refused: LightEngineRefusedError) -> Loader:
        """Makes TensorFlow's loader for a version that the light engine refuses."""
        if self._engine == "light":
            raise refused
        return self._tensorflow(f"{refused} And ")

    def _light(self) -> Loader:
        # Either engine is imported with the first version that it loads.
        from lstm_sentiment.serving.light.loader import LightLoader

        return LightLoader(
            self._id,
            self._path,
            warmup=self._loading.enable_model_warmup,
            warmup_iterations=self._loading.num_request_iterations_for_warmup,
            scheduler=self._scheduler,
        )

    def _tensorflow(self, reason: str = "") -> Loader:
        """Makes TensorFlow's loader; `reason` begins the message where it is not installed."""
        try:
            with train_imports("loading a SavedModel"):
                import_tensorflow.get()()
                from lstm_sentiment.serving.saved_model.loader import SavedModelLoader
        except MissingExtraError as missing:
            raise MissingExtraError(f"{reason}{missing}", name=missing.name) from missing
        return SavedModelLoader(
            self._id,
            self._path,
            xla=self._loading.xla_cpu_compilation_enabled,
            threads=self._loading.tensorflow_threads,
            warmup=self._loading.enable_model_warmup,
            warmup_iterations=self._loading.num_request_iterations_for_warmup,
            scheduler=self._scheduler,
        )
