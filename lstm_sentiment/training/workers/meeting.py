"""The first meeting of all workers of a cluster, before TensorFlow starts."""

import json
import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager, suppress

from lstm_sentiment.errors import ConfigError, TrainingError
from lstm_sentiment.progress import SILENT, Progress
from lstm_sentiment.timeouts import countable, timeout_or_none
from lstm_sentiment.training.workers.cluster import Cluster

_TRY_SECONDS = 1.0
_PAUSE_SECONDS = 0.2
_ABSENT = "absent"
_MOST_BYTES = 1_000_000


def meet(
    cluster: Cluster,
    timeout_seconds: float,
    *,
    progress: Progress = SILENT,
    clock: Callable[[], float] = time.monotonic,
) -> None:
    """Waits until all workers have started and can be reached at their addresses.

    TensorFlow itself would wait forever, and silently, for a worker that never starts. Ports are
    free again at the return.

    Args:
        cluster: The workers, the same at all of them.
        timeout_seconds: Longest wait; infinity for no limit.
        progress: Receives a message at the start.
        clock: Returns seconds that never decrease.

    Raises:
        ConfigError: If the port of this process is taken, or another worker has another
            `TF_CONFIG`.
        TrainingError: If a worker is missing after `timeout_seconds`.
    """
    deadline = clock() + timeout_seconds
    limit = "" if timeout_or_none(timeout_seconds) is None else f", {timeout_seconds:g} s at most"
    with _listening(cluster) as listener:
        progress.say(
            f"Worker {cluster.index} of {len(cluster.addresses)} at {cluster.address}: waiting for "
            f"the others{limit}"
        )
        if cluster.index == 0:
            missing = _gather(cluster, listener, lambda: countable(deadline - clock()), progress)
        else:
            missing = _report(cluster, lambda: countable(deadline - clock()))
    if missing:
        raise TrainingError(
            f"All workers must be there within {timeout_seconds:g} s. Received: nothing from "
            f"{' and '.join(missing)}."
        )


@contextmanager
def _listening(cluster: Cluster) -> Iterator[socket.socket]:
    port = int(cluster.address.rpartition(":")[2])
    listener = socket.socket(socket.AF_INET6 if socket.has_ipv6 else socket.AF_INET)
    with closing(listener):
        # The port of a run that has just ended is free.
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if socket.has_ipv6:
            listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        try:
            # On all addresses, as TensorFlow's own server will listen.
            listener.bind(("", port))
            listener.listen(2 * len(cluster.addresses))
        except OSError as error:
            raise ConfigError(
                f"`TF_CONFIG`: the port of worker {cluster.index} must be free. "
                f"Received: {cluster.address}: {error.strerror}."
            ) from error
        yield listener


def _name(cluster: Cluster, index: int) -> str:
    return f"worker {index}{' (the chief)' * (index == 0)} at {cluster.addresses[index]}"


def _gather(
    cluster: Cluster, listener: socket.socket, left: Callable[[], float], progress: Progress
) -> list[str]:
    """Meets as the chief: connects to each worker and answers it; returns the missing ones.

    A worker may report before its address answers, as in Kubernetes, where the name of a pod that
    has just started, or started again, still resolves to nothing or to the address of the last one.
    So the chief tries all addresses until the deadline.
    """
    there: dict[int, socket.socket] = {}
    # Of workers that have reported: why their addresses do not answer; empty where they do.
    reasons: dict[int, str] = {}
    everyone = range(1, len(cluster.addresses))
    try:
        while left() > 0:
            for index in [index for index, each in there.items() if _has_left(each)]:
                there.pop(index).close()
                del reasons[index]
            if not any(reasons.get(index, _ABSENT) for index in everyone):
                break
            reported = _next_report(cluster, listener, min(_TRY_SECONDS, max(left(), 0.001)))
            if reported is not None:
                index, connection = reported
                if index in there:  # the worker was started again
                    there[index].close()
                there[index] = connection
                reasons[index] = _why_unreachable(cluster.addresses[index])
                if reasons[index]:
                    progress.say(f"Waiting for {_missing(cluster, index, reasons)}")
            for index in [index for index, reason in reasons.items() if reason]:
                reasons[index] = _why_unreachable(cluster.addresses[index])
        missing = [
            _missing(cluster, index, reasons) for index in everyone if reasons.get(index, _ABSENT)
        ]
        verdict = {"missing": missing}
        for connection in there.values():
            with suppress(OSError):
                connection.sendall(json.dumps(verdict).encode() + b"\n")
        return missing
    finally:
        for connection in there.values():
            connection.close()


def _missing(cluster: Cluster, index: int, reasons: Mapping[int, str]) -> str:
    name = _name(cluster, index)
    if index not in reasons:
        return name
    return f"{name}, which has connected but cannot be reached at its address: {reasons[index]}"


def _next_report(
    cluster: Cluster, listener: socket.socket, seconds: float
) -> tuple[int, socket.socket] | None:
    """Returns the worker that reports within some seconds, with its connection."""
    listener.settimeout(seconds)
    try:
        connection, _ = listener.accept()
    except TimeoutError:
        return None
    index = _heard(cluster, connection)
    if index is None:
        connection.close()
        return None
    return index, connection


def _heard(cluster: Cluster, connection: socket.socket) -> int | None:
    """Returns the index of the worker that has connected; `None` if it is none of the cluster."""
    connection.settimeout(_TRY_SECONDS)
    try:
        hello = json.loads(_line(connection))
        index, addresses = int(hello["index"]), hello["addresses"]
    except (OSError, ValueError, KeyError, TypeError):
        return None
    if addresses == list(cluster.addresses) and 0 < index < len(addresses):
        return index
    with suppress(OSError):
        connection.sendall(json.dumps({"addresses": cluster.addresses}).encode() + b"\n")
    return None


def _has_left(connection: socket.socket) -> bool:
    connection.setblocking(False)
    try:
        return not connection.recv(1, socket.MSG_PEEK)
    except BlockingIOError:
        return False
    except OSError:
        return True


def _why_unreachable(address: str) -> str:
    try:
        with _connected(address, _TRY_SECONDS):
            return ""
    except OSError as error:
        return _reason(error)


def _reason(error: OSError) -> str:
    return error.strerror or str(error)


def _report(cluster: Cluster, left: Callable[[], float]) -> list[str]:
    """Meets as another worker: reports to the chief, waits, returns the missing workers."""
    hello = {"index": cluster.index, "addresses": cluster.addresses}
    pause, has_reported, reason = threading.Event(), False, ""
    while left() > 0:
        try:
            with _connected(cluster.addresses[0], min(_TRY_SECONDS, left())) as connection:
                connection.sendall(json.dumps(hello).encode() + b"\n")
                has_reported = True
                # The chief's deadline may be later than this worker's, if it started later.
                connection.settimeout(max(left(), 0.001))
                verdict = json.loads(_line(connection))
        except (OSError, ValueError) as error:
            if isinstance(error, OSError):
                reason = f": {_reason(error)}"
            pause.wait(min(_PAUSE_SECONDS, max(left(), 0)))
            continue
        if "addresses" in verdict:
            raise ConfigError(
                "`TF_CONFIG`: all workers must have the same `cluster`. Received: "
                f"{json.dumps(cluster.addresses)} here, {json.dumps(verdict['addresses'])} at "
                "the chief."
            )
        return list(verdict["missing"])
    return [_name(cluster, 0) + (", which waits for others" if has_reported else reason)]


def _connected(address: str, timeout_seconds: float) -> socket.socket:
    host, _, port = address.rpartition(":")
    return socket.create_connection((host.strip("[]"), int(port)), timeout_seconds)


def _line(connection: socket.socket) -> bytes:
    """Reads up to a line feed; raises `ValueError` if the other end stops before it."""
    received = b""
    while not received.endswith(b"\n"):
        part = connection.recv(65_536)
        if not part or len(received) > _MOST_BYTES:
            raise ValueError("The other end stopped before the line's end.")
        received += part
    return received
