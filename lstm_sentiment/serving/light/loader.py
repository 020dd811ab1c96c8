"""Loads a version by its light twin, checks its answers and warms it up."""

from pathlib import Path

from lstm_sentiment.errors import InvalidInputError
from lstm_sentiment.light_twin.description import TABLE_FILE, check_digests, load_description
from lstm_sentiment.serving.batching.batching_servable import BatchingServable
from lstm_sentiment.serving.batching.scheduler import BatchScheduler
from lstm_sentiment.serving.errors import LightEngineRefusedError, ServableLoadError
from lstm_sentiment.serving.light.card_check import check_card, check_signatures
from lstm_sentiment.serving.light.servable import LightServable
from lstm_sentiment.serving.servable import Servable
from lstm_sentiment.serving.servable_id import ServableId
from lstm_sentiment.serving.thread_priority import rest
from lstm_sentiment.serving.warmup import run_warmup_requests
from lstm_sentiment.system import return_freed_memory
from lstm_sentiment.version_folder import LABELS, LIGHT, VOCABULARY, WARMUP_REQUESTS, stand_ins

# The network takes its file's size; SentencePiece eight times that of its model.
_BYTES_PER_BYTE_ON_DISK = 2


def load_light_servable(version_dir: Path, folder: Path | None = None) -> LightServable:
    """Loads a version by its light twin and compares its answers with those of the version's card.

    Args:
        version_dir: The version's folder.
        folder: The folder of the twin; `None` for its place in the version's folder.

    Raises:
        LightEngineRefusedError: One line, if the twin is missing or damaged, or gives other answers
            than the version's card has. TensorFlow can still load the version.
    """
    try:
        folder = folder or version_dir / LIGHT
        twin = load_description(folder)
        check_digests(twin, version_dir, folder)
        rest()
        servable = LightServable(version_dir, folder, twin)
        rest()
        check_signatures(servable)
        rest()
        check_card(servable, version_dir, twin.temperature)
        rest()
    except Exception as error:
        # A file of the right digest that does not load is nearly any error of ONNX Runtime,
        # SentencePiece or NumPy.
        raise LightEngineRefusedError(_reason(error, version_dir)) from error
    return servable


class LightLoader:
    """The loader of one version by its light twin."""

    engine = "light"

    def __init__(
        self,
        servable_id: ServableId,
        path: Path,
        *,
        warmup: bool = True,
        warmup_iterations: int = 1,
        scheduler: BatchScheduler | None = None,
    ) -> None:
        """Creates a loader; reads nothing yet.

        Args:
            servable_id: The version's id, for messages.
            path: The version's folder.
            warmup: Runs the version's own warmup requests.
            warmup_iterations: Times that each of them is run.
            scheduler: Batches requests to the version; `None` for no batching.
        """
        self._id, self._path = servable_id, path
        self._warmup, self._scheduler = warmup, scheduler
        self._warmup_iterations = warmup_iterations

    def estimate_bytes(self) -> int:
        """Estimates the version's memory by the sizes of its files.

        Raises:
            LightEngineRefusedError: If a file cannot be read, or the twin's description is damaged.
        """
        folder = self._path / LIGHT
        try:
            paths = [*folder.iterdir(), self._path / VOCABULARY, self._path / LABELS]
            on_disk = sum(path.stat().st_size for path in paths)
            table = folder / TABLE_FILE
            mapped = table.stat().st_size if table.is_file() else 0
            load_description(folder)
        except OSError as error:
            reason = f"its files cannot be read: {error.strerror}."
            raise LightEngineRefusedError(self._worded(reason)) from error
        except InvalidInputError as error:
            reason = _reason(error, self._path)
            raise LightEngineRefusedError(self._worded(reason)) from error
        return _BYTES_PER_BYTE_ON_DISK * (on_disk - mapped) + mapped

    def load(self) -> Servable:
        """Loads the twin, compares its answers with those of the version's card, and warms it up.

        Raises:
            LightEngineRefusedError: See `load_light_servable`.
            ServableLoadError: One line, if a warmup request fails.
        """
        try:
            servable = load_light_servable(self._path)
        except LightEngineRefusedError as error:
            raise LightEngineRefusedError(self._worded(str(error))) from error
        if self._warmup:
            try:
                run_warmup_requests(servable, self._path / WARMUP_REQUESTS, self._warmup_iterations)
            except Exception as error:
                raise ServableLoadError(self._worded(_reason(error, self._path))) from error
        return_freed_memory()  # some files are held twice for a moment
        if self._scheduler is None:
            return servable
        return BatchingServable(servable, self._id, self._scheduler)

    def unload(self) -> None:
        """Returns the memory that was freed with the servable to the operating system."""
        return_freed_memory()

    def _worded(self, reason: str) -> str:
        return (
            f"version {self._id.version} of model {self._id.name} could not be loaded: {reason}"
            f"{stand_ins(self._path)}"
        )


def _reason(error: Exception, version_dir: Path) -> str:
    """Returns the first line of an error's message, without the path of the version's folder."""
    reason = next(iter(str(error).splitlines()), "") or type(error).__name__
    # The message reaches clients, whom the server's folders do not concern.
    return reason.replace(f"{version_dir}/", "").replace(str(version_dir), version_dir.name)
