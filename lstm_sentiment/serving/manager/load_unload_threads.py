"""The threads that load and unload versions, each one version at a time.

After `tensorflow_serving/core/basic_manager.cc`, which has a pool for loads and one for unloads.
"""

import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from lstm_sentiment.errors import LstmSentimentError, MissingExtraError
from lstm_sentiment.serving.errors import (
    NoLightTwinError,
    NotEnoughMemoryError,
    OtherEngineError,
    ServableLoadError,
)
from lstm_sentiment.serving.log_lines import get_logger
from lstm_sentiment.serving.manager.load_order import ActionKind
from lstm_sentiment.serving.manager.loader_harness import LoaderHarness
from lstm_sentiment.serving.manager.managed_versions import ManagedVersions
from lstm_sentiment.serving.manager.memory_limit import check_fits
from lstm_sentiment.serving.servable import Loader, ManagerState, Servable
from lstm_sentiment.serving.servable_id import ServableId
from lstm_sentiment.serving.thread_priority import run_at_low_priority

logger = get_logger(__name__)

LoaderFactory = Callable[[ServableId, Path], Loader]


class LoadUnloadThreads:
    """Threads that load, and one thread that unloads, so that no unload waits for a load."""

    def __init__(
        self,
        versions: ManagedVersions,
        loader_factory: LoaderFactory,
        *,
        num_load_threads: int,
        memory_limit_bytes: int | None,
        clock: Callable[[], float],
    ) -> None:
        """Creates the threads without starting them; for the arguments see `Manager`."""
        self._versions = versions
        self._condition = versions.condition
        self._loader_factory = loader_factory
        self._memory_limit_bytes = memory_limit_bytes
        self._clock = clock
        self._threads = [
            threading.Thread(target=self._load_in_turn, name=f"servable-loader-{number}")
            for number in range(num_load_threads)
        ] + [threading.Thread(target=self._unload_in_turn, name="servable-unloader")]

    def start(self) -> None:
        """Starts all threads."""
        for thread in self._threads:
            thread.start()

    def join(self) -> None:
        """Waits for the threads to end, which they do once the versions are marked as stopping."""
        for thread in self._threads:
            if thread.ident is not None:
                thread.join()

    def is_idle(self) -> bool:
        """Returns whether the threads have no work left but retries of failed loads."""
        return not (
            any(
                harness.can_be_unloaded()
                or (harness.state is ManagerState.LOADING and not harness.failed_tries)
                for harness in self._versions.harnesses()
            )
            or any(self._versions.actions())
        )

    def unload(self, harness: LoaderHarness) -> None:
        """Unloads a version that is in memory, even if a request holds it."""
        with self._condition:
            taken = harness.take()
        if taken is None:
            return
        # Requests wait for the lock, and freeing a servable takes milliseconds.
        loader = taken[0]
        del taken
        try:
            loader.unload()
        except Exception:
            # Whatever a loader does, its thread must live on to serve the other versions.
            logger.exception("unloading %s failed", harness.id)
        with self._versions.changing():
            harness.unloaded()

    def _load_in_turn(self) -> None:
        while (harness := self._await(self._next_to_load, self._seconds_to_retry)) is not None:
            self._try_to_load(harness)

    def _unload_in_turn(self) -> None:
        while (harness := self._await(self._next_to_unload, lambda: None)) is not None:
            if harness.can_be_unloaded():
                self.unload(harness)

    def _await(
        self, choose: Callable[[], LoaderHarness | None], timeout: Callable[[], float | None]
    ) -> LoaderHarness | None:
        with self._condition:
            while not self._versions.is_stopping:
                harness = choose()
                if harness is not None:
                    self._versions.note_change()
                    break
                self._condition.wait(timeout())
            else:
                return None
        self._versions.tell_of_changes()
        return harness

    def _next_to_load(self) -> LoaderHarness | None:
        for action, harness in self._versions.actions():
            if action.kind is ActionKind.LOAD:
                harness.start_to_load()
                return harness
        now = self._clock()
        for harness in self._versions.harnesses():
            if harness.retry_at is not None and harness.retry_at <= now:
                harness.start_to_load()
                return harness
        return None

    def _next_to_unload(self) -> LoaderHarness | None:
        for harness in self._versions.harnesses():
            if harness.can_be_unloaded():
                return harness
        for action, harness in self._versions.actions():
            if action.kind is ActionKind.UNLOAD:
                harness.start_to_unload()
                return harness
        return None

    def _seconds_to_retry(self) -> float | None:
        times = [h.retry_at for h in self._versions.harnesses() if h.retry_at is not None]
        if not times:
            return None
        return min(max(min(times) - self._clock(), 0.0), threading.TIMEOUT_MAX)

    def _try_to_load(self, harness: LoaderHarness) -> None:
        # The error kept is a new one: the traceback of the caught holds the half-loaded model.
        try:
            loader, servable = self._load(harness)
        except LstmSentimentError as error:
            logger.error("%s", error)
            does_not_fit = isinstance(error, NotEnoughMemoryError)
            kind = NotEnoughMemoryError if does_not_fit else ServableLoadError
            is_final = isinstance(error, MissingExtraError | NoLightTwinError)
            self._fail(harness, kind(str(error)), is_final=is_final)
        except Exception as error:
            # Whatever a loader does, this thread must live on to serve the other versions.
            logger.exception("loading %s failed", harness.id)
            # The message reaches clients, whom the server's folders do not concern.
            reason = repr(error).replace(f"{harness.tried_path.parent}/", "")
            self._fail(harness, ServableLoadError(f"{harness.id} could not be loaded: {reason}"))
        else:
            with self._versions.changing():
                harness.loaded(loader, servable)

    def _load(self, harness: LoaderHarness) -> tuple[Loader, Servable]:
        loader = self._loader_factory(harness.id, harness.tried_path)
        while True:
            self._set_memory_aside(harness, loader.estimate_bytes())
            with suppress(OtherEngineError):
                # Until a version answers, nobody waits for anything but the load.
                if self._versions.is_any_available():
                    return loader, run_at_low_priority(loader.load)
                return loader, loader.load()

    def _set_memory_aside(self, harness: LoaderHarness, num_bytes: int) -> None:
        limit = self._memory_limit_bytes
        with self._condition:
            harness.estimated_bytes = 0
            if limit is not None:
                room = limit - num_bytes
                self._condition.wait_for(
                    lambda: (
                        self._versions.memory_in_use_bytes() <= room
                        or not self._memory_becomes_free()
                    )
                )
                in_use = self._versions.memory_in_use_bytes()
                check_fits(harness.id, num_bytes, in_use_bytes=in_use, limit_bytes=limit)
            harness.estimated_bytes = num_bytes

    def _memory_becomes_free(self) -> bool:
        return not self._versions.is_stopping and (
            any(harness.can_be_unloaded() for harness in self._versions.harnesses())
            or any(action.kind is ActionKind.UNLOAD for action, _ in self._versions.actions())
        )

    def _fail(
        self, harness: LoaderHarness, error: ServableLoadError, *, is_final: bool = False
    ) -> None:
        with self._versions.changing():
            harness.failed(error, self._clock(), is_final=is_final)
            failed_tries, will_retry = harness.failed_tries, harness.retry_at is not None
        if will_retry:
            logger.info(
                "%s will be loaded again in %g seconds: retry %d of %d",
                harness.id,
                harness.retries.interval_seconds,
                failed_tries,
                harness.retries.max_num,
            )
