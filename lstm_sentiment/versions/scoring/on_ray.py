"""Maps a function over jobs on Ray, with one worker for each CPU."""

import importlib.util
import os
import socket
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Generic, TypeVar

from lstm_sentiment.errors import InvalidInputError, LstmSentimentError, ServableUnavailableError

Job = TypeVar("Job")
Outcome = TypeVar("Outcome")

RETRIES = 2
"""Number of times that a job is tried again if its worker dies."""

_CONNECT_TIMEOUT_SECONDS = 10.0
# Only paths and counts are sent. Ray needs at least 75 MiB; its default is a third of the memory.
_OBJECT_STORE_BYTES = 100 * 2**20


def require_ray() -> None:
    """Checks that Ray is installed.

    Raises:
        InvalidInputError: If Ray is missing; the message names the extra.
    """
    if importlib.util.find_spec("ray") is None:
        raise InvalidInputError(
            "The engine `ray` needs the `ray` extra: pip install 'lstm-sentiment[ray]'."
        )


def map_on_ray(
    make: Callable[[], Callable[[Job], Outcome]],
    jobs: Sequence[Job],
    *,
    lost: Callable[[Job, str], Outcome],
    workers: int | None = None,
    address: str | None = None,
) -> Iterator[Outcome]:
    """Calls a function for each job on the workers of a Ray cluster.

    A worker is an actor that takes one CPU. It calls `make` once, then receives one job after
    another. A worker that dies is started again and its job tried `RETRIES` more times, so a job
    that kills its workers fails alone.

    Args:
        make: Makes the function; called in each worker, where its module must be installed. Its
            errors end the run.
        jobs: Arguments of the function.
        lost: Makes the outcome of a job that no worker survived, from the job and the reason.
        workers: Number of workers. `None` takes one for each CPU of the cluster, at most one for
            each job.
        address: Address of a running cluster: `HOST:PORT`, `ray://HOST:PORT`, or `auto` for the one
            on this machine. `None` starts one on this machine, on 127.0.0.1, for the call. A
            cluster that this process is connected to already is used in any case.

    Yields:
        Outcomes in the order in which they arrive.

    Raises:
        InvalidInputError: If there is no cluster at `address`.
        LstmSentimentError: If `make` raises it.
        ServableUnavailableError: If Ray or a worker cannot be started.
    """
    with _cluster(address, workers) as ray:
        count = min(len(jobs), workers or int(ray.cluster_resources().get("CPU", 1)))
        actor = ray.remote(num_cpus=1, max_restarts=-1, max_task_retries=RETRIES)(_Worker)
        started = [actor.remote(make) for _ in range(count)]
        try:
            yield from _work_off(ray, started, jobs, lost)
        finally:
            for worker in started:  # frees the CPUs of a cluster that keeps running
                ray.kill(worker)


def _work_off(
    ray: Any, workers: Sequence[Any], jobs: Sequence[Job], lost: Callable[[Job, str], Outcome]
) -> Iterator[Outcome]:
    # Each worker first prepares itself: without a free CPU it never starts and gets no job.
    running: dict[Any, tuple[Any, Job | None]] = {
        worker.prepare.remote(): (worker, None) for worker in workers
    }
    waiting, left = deque(jobs), len(jobs)
    while left:
        (done,), _ = ray.wait(list(running), num_returns=1)
        worker, job = running.pop(done)
        if job is None:
            _check_started(ray, done)
        else:
            left -= 1
            yield _outcome(ray, done, job, lost)
        if waiting:
            job = waiting.popleft()
            running[worker.run.remote(job)] = (worker, job)


class _Worker(Generic[Job, Outcome]):
    """An actor that holds the function, made again after each start of its process."""

    def __init__(self, make: Callable[[], Callable[[Job], Outcome]]) -> None:
        self._make = make
        self._function: Callable[[Job], Outcome] | None = None

    def prepare(self) -> None:
        """Makes the function."""
        self._made()

    def run(self, job: Job) -> Outcome:
        """Calls the function."""
        return self._made()(job)

    def _made(self) -> Callable[[Job], Outcome]:
        if self._function is None:
            self._function = self._make()
        return self._function


def _check_started(ray: Any, done: Any) -> None:
    try:
        ray.get(done)
    except ray.exceptions.RayError as error:
        cause = getattr(error, "cause", None)
        if isinstance(cause, LstmSentimentError):
            raise cause from None
        raise ServableUnavailableError(
            "Each Ray worker must be able to import lstm_sentiment and to load the model. "
            f"Received: {_last_line(cause or error)}"
        ) from error


def _outcome(ray: Any, done: Any, job: Job, lost: Callable[[Job, str], Outcome]) -> Outcome:
    try:
        outcome: Outcome = ray.get(done)
    except ray.exceptions.RayError as error:
        return lost(job, f"its worker died {RETRIES + 1} times. {_last_line(error)}")
    return outcome


def _last_line(error: BaseException) -> str:
    """Returns the last line of an error, the reason; Ray puts tracebacks and ids before it."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[-1] if lines else type(error).__name__


@contextmanager
def _cluster(address: str | None, workers: int | None) -> Iterator[Any]:
    """Connects to Ray; disconnects in the end unless the caller was connected before."""
    # Ray reads both when it is first imported. The first, despite its name, makes a Ray on this
    # machine listen on 127.0.0.1 alone.
    if address is None:
        os.environ.setdefault("RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER", "0")
        os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    import ray

    if ray.is_initialized():
        yield ray
        return
    quiet = {"log_to_driver": False, "logging_level": "error"}
    try:
        if address is None:
            _start(ray, workers, quiet)
        else:
            _connect(ray, address, quiet)
        yield ray
    finally:
        ray.shutdown()


def _start(ray: Any, workers: int | None, quiet: dict[str, Any]) -> None:
    try:
        ray.init(
            address="local",
            num_cpus=workers,
            include_dashboard=False,
            object_store_memory=_OBJECT_STORE_BYTES,
            **quiet,
        )
    except (OSError, RuntimeError, ray.exceptions.RayError) as error:
        # Its processes are slow on a machine that is busy or short of memory.
        raise ServableUnavailableError(
            f"Ray could not be started on this machine: {_last_line(error).rstrip('.')}. "
            "Try again, or use the engine `auto`."
        ) from error


def _connect(ray: Any, address: str, quiet: dict[str, Any]) -> None:
    try:
        _check_somebody_listens(address)
        ray.init(address=address, **quiet)
    except (OSError, ValueError, RuntimeError, ray.exceptions.RayError) as error:
        raise InvalidInputError(
            "`address` must be that of a running Ray cluster: HOST:PORT, ray://HOST:PORT or auto. "
            f"Received: {address!r}: {_last_line(error)}"
        ) from error


def _check_somebody_listens(address: str) -> None:
    """Checks the port at once; Ray itself would keep trying for minutes."""
    host, colon, port = address.removeprefix("ray://").rpartition(":")
    if colon and port.isdecimal():
        socket.create_connection((host.strip("[]"), int(port)), _CONNECT_TIMEOUT_SECONDS).close()
