"""Loads a version folder as a servable and warms it up.

After `tensorflow_serving/servables/tensorflow/saved_model_bundle_factory.h`.
"""

import gc
import os
from contextlib import nullcontext
from pathlib import Path

from lstm_sentiment.serving.batching.batching_servable import BatchingServable
from lstm_sentiment.serving.batching.scheduler import BatchScheduler
from lstm_sentiment.serving.errors import ServableLoadError
from lstm_sentiment.serving.saved_model.saved_model import (
    SavedModelServable,
    load_saved_model,
    one_line,
)
from lstm_sentiment.serving.saved_model.threads import TensorFlowThreads
from lstm_sentiment.serving.saved_model.xla import with_xla
from lstm_sentiment.serving.servable import Servable
from lstm_sentiment.serving.servable_id import ServableId
from lstm_sentiment.serving.warmup import run_warmup_requests
from lstm_sentiment.version_folder import WARMUP_REQUESTS, stand_ins

_BYTES_PER_BYTE_ON_DISK = 1.2


class SavedModelLoader:
    """The loader of one SavedModel folder."""

    engine = "tensorflow"

    def __init__(
        self,
        servable_id: ServableId,
        path: Path,
        *,
        xla: bool = False,
        threads: TensorFlowThreads = TensorFlowThreads(),  # noqa: B008
        warmup: bool = True,
        warmup_iterations: int = 1,
        scheduler: BatchScheduler | None = None,
    ) -> None:
        """Creates a loader; reads nothing yet.

        Args:
            servable_id: The version's id, for messages.
            path: The version's folder, which holds `saved_model.pb`.
            xla: Compiles the functions that the version names: see `with_xla`.
            threads: The threads of TensorFlow, where this is the first version that it loads.
            warmup: Runs the version's own warmup requests.
            warmup_iterations: Times that each of them is run.
            scheduler: Batches requests to the version; `None` for no batching.
        """
        self._id = servable_id
        self._path = path
        self._xla, self._warmup, self._scheduler = xla, warmup, scheduler
        self._threads = threads
        self._warmup_iterations = warmup_iterations
        self._servable: SavedModelServable | None = None

    def estimate_bytes(self) -> int:
        """Estimates the version's memory by its files' sizes, as TensorFlow Serving does.

        `tensorflow_serving/servables/tensorflow/bundle_factory_util.cc`.

        Raises:
            ServableLoadError: If a file cannot be read.
        """
        try:
            files = [path for path in self._path.rglob("*") if path.is_file()]
            return int(_BYTES_PER_BYTE_ON_DISK * sum(path.stat().st_size for path in files))
        except OSError as error:
            raise self._load_error(f"its files cannot be read: {error.strerror}.") from error

    def load(self) -> Servable:
        """Loads the SavedModel and runs its warmup requests.

        Raises:
            ServableLoadError: One line, if the folder cannot be read as a SavedModel or a warmup
                request fails.
        """
        folder = self._path
        try:
            with with_xla(self._path) if self._xla else nullcontext(self._path) as folder:
                self._servable = load_saved_model(folder, self._threads)
            if self._warmup:
                run_warmup_requests(
                    self._servable, self._path / WARMUP_REQUESTS, self._warmup_iterations
                )
        except Exception as error:
            # A damaged SavedModel makes TensorFlow raise nearly anything: OSError, KeyError,
            # ValueError, AttributeError, errors of its runtime.
            self.unload()
            reason = self._without_base_path(_reason(error), folder)
            raise self._load_error(reason) from error
        if self._scheduler is None:
            return self._servable
        return BatchingServable(self._servable, self._id, self._scheduler)

    def unload(self) -> None:
        """Closes the servable and frees its memory."""
        servable, self._servable = self._servable, None
        if servable is not None:
            servable.close()
            del servable
            # Reference cycles inside a graph would keep it in memory for long.
            gc.collect()

    def _load_error(self, reason: str) -> ServableLoadError:
        return ServableLoadError(
            f"version {self._id.version} of model {self._id.name} could not be loaded: {reason}"
            f"{stand_ins(self._path)}"
        )

    def _without_base_path(self, message: str, folder: Path) -> str:
        # The message reaches clients, whom the server's folders do not concern.
        for path in (folder, self._path):
            message = message.replace(f"{path}/", "").replace(str(path), self._path.name)
        return message


def _reason(error: Exception) -> str:
    # An OSError names the whole path of its file, also in a temporary folder.
    if isinstance(error, OSError) and error.strerror and error.filename:
        return f"{Path(os.fsdecode(error.filename)).name}: {error.strerror}"
    return one_line(error)
