"""Runs servables for requests on an event loop, without blocking the loop."""

import asyncio
from collections.abc import Callable, Mapping
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import suppress
from typing import TypeVar

from lstm_sentiment.serving.batching.batching_servable import BatchingServable
from lstm_sentiment.serving.caller import Caller
from lstm_sentiment.serving.servable import Array, Servable, quick_signatures
from lstm_sentiment.system import usable_cpus
from lstm_sentiment.version_folder import EXPLAIN

_Result = TypeVar("_Result")

# Of one text; about what an average model computes in a millisecond.
_MOST_INLINE_BYTES = 2048
# A text is explained by so many passes of the model.
_PASSES_OF_EXPLAIN = 34
_MOST_PASSES_AMONG_OTHERS = 128
# With so many CPUs, handing a small request to another thread costs more than the thread brings.
_FEW_CPUS = 2


class Runner:
    """Chooses where a servable is run.

    A servable is run by a thread of a pool, or by the event loop itself: a small request of a
    quick signature, while no other is running or where there are at most two CPUs. A batching
    servable queues the request, for its own threads; or for the event loop, where there are at most
    two CPUs and the request is as small.
    """

    def __init__(self, max_threads: int | None = None, *, cpus: int | None = None) -> None:
        """Makes the pool, whose threads start when they are needed.

        Args:
            max_threads: Limit of the requests that are run at once; `None` for 4 a CPU. Requests
                of very many texts have a quarter as many threads of their own.
            cpus: CPUs that the process may use; `None` to count them.
        """
        cpus = cpus or usable_cpus()
        self._max_threads = max_threads or 4 * cpus
        self._threads = ThreadPoolExecutor(self._max_threads, thread_name_prefix="inference")
        self._light_threads = ThreadPoolExecutor(
            min(self._max_threads, cpus), thread_name_prefix="light-inference"
        )
        # What takes long has threads of its own, so that it does not take those of the others.
        self._heavy_threads = ThreadPoolExecutor(
            max(1, self._max_threads // 4), thread_name_prefix="heavy-inference"
        )
        # Only one of several could run at a time, and all would keep the event loop waiting.
        self._converting = ThreadPoolExecutor(1, thread_name_prefix="conversion")
        self._under_way = 0
        self._has_few_cpus = cpus <= _FEW_CPUS

    def stop(self) -> None:
        """Ends the threads that are idle, and the others after their current request."""
        for pool in self._pools():
            pool.shutdown(wait=False, cancel_futures=True)

    def _pools(self) -> tuple[ThreadPoolExecutor, ...]:
        return self._threads, self._light_threads, self._heavy_threads, self._converting

    async def run(
        self,
        servable: Servable,
        signature_key: str,
        inputs: Mapping[str, Array],
        caller: Caller,
        with_counts: bool = False,
    ) -> Mapping[str, Array]:
        """Runs a signature on the inputs of one request, see `Servable.run`."""
        if isinstance(servable, BatchingServable):
            if servable.batches(signature_key):
                is_quick = signature_key in quick_signatures(servable.unbatched)
                on_loop = self._has_few_cpus and is_quick and _is_small(inputs)
                return await servable.run_async(
                    signature_key, inputs, caller=caller, with_counts=with_counts, on_loop=on_loop
                )
            servable = servable.unbatched
        is_quick = signature_key in quick_signatures(servable)

        def run() -> Mapping[str, Array]:
            caller.check_waits()
            return servable.run(signature_key, inputs, caller=caller, with_counts=with_counts)

        self._under_way += 1
        try:
            if is_quick and _is_small(inputs):
                if self._has_few_cpus:
                    return run()
                # Lets requests that came together count themselves first.
                await asyncio.sleep(0)
                if self._under_way == 1:
                    return run()
            pool = self._light_threads if is_quick else self._threads
            if _is_heavy(signature_key, inputs):
                pool = self._heavy_threads
            return await in_thread(pool, run, caller)
        finally:
            self._under_way -= 1

    def submit(self, work: Callable[[], object]) -> None:
        """Runs a function that nobody waits for after the conversions that wait already."""
        with suppress(RuntimeError):  # The runner was stopped meanwhile.
            self._converting.submit(work)

    async def in_thread(self, work: Callable[[], _Result], caller: Caller) -> _Result:
        """Runs a function in Python, which the others wait for, unless its caller is gone by then.

        Args:
            work: The function.
            caller: The caller who waits for it.
        """

        def run() -> _Result:
            caller.check_waits()
            return work()

        return await in_thread(self._converting, run, caller)


async def in_thread(pool: Executor, work: Callable[[], _Result], caller: Caller) -> _Result:
    """Runs a function in a thread of a pool.

    If it is cancelled, the caller leaves; it ends once the function does not run any more.

    Args:
        pool: The pool.
        work: The function.
        caller: The caller who waits for it.
    """
    submitted = pool.submit(work)
    running = asyncio.wrap_future(submitted)
    try:
        return await asyncio.shield(running)
    except asyncio.CancelledError:
        caller.leave()
        if not submitted.cancel():
            await asyncio.wait([running])
        raise


def _is_heavy(signature_key: str, inputs: Mapping[str, Array]) -> bool:
    passes = _PASSES_OF_EXPLAIN if signature_key == EXPLAIN else 1
    return any(
        array.ndim and len(array) * passes > _MOST_PASSES_AMONG_OTHERS for array in inputs.values()
    )


def _is_small(inputs: Mapping[str, Array]) -> bool:
    total = 0
    for array in inputs.values():
        if array.ndim == 0 or len(array) != 1:
            return False
        total += len(array.flat[0]) if array.dtype.hasobject else array.nbytes
    return total <= _MOST_INLINE_BYTES
