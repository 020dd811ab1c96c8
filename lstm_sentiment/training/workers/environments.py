"""Environments of several workers on one machine: `TF_CONFIG`, and the GPUs of each."""

import json
import os
import socket
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from itertools import takewhile

from lstm_sentiment.checks import positive
from lstm_sentiment.errors import InvalidInputError

_HOST = "127.0.0.1"


def worker_environments(workers: int, gpus_per_worker: int | None = None) -> list[dict[str, str]]:
    """Returns the environment of each worker: a copy of this process's, with its own settings.

    Ports are free when they are chosen; nothing holds them until the workers listen.

    Args:
        workers: Number of workers, positive.
        gpus_per_worker: Number of GPUs of each worker, positive. `None` leaves
            `CUDA_VISIBLE_DEVICES` unchanged.

    Returns:
        One environment per worker, with `TF_CONFIG` and `PYTHONUNBUFFERED`.

    Raises:
        InvalidInputError: If a number is not positive, or `CUDA_VISIBLE_DEVICES` names too few
            devices.
    """
    positive(workers=workers)
    gpus: Sequence[Mapping[str, str]] = [{}] * workers
    if gpus_per_worker is not None:
        positive(gpus_per_worker=gpus_per_worker)
        gpus = _gpu_blocks(workers, gpus_per_worker)
    addresses = [f"{_HOST}:{port}" for port in _free_ports(workers)]
    environments = []
    for index in range(workers):
        task = {"type": "worker", "index": index}
        tf_config = json.dumps({"cluster": {"worker": addresses}, "task": task})
        own = {"TF_CONFIG": tf_config, "PYTHONUNBUFFERED": "1", **gpus[index]}
        environments.append({**os.environ, **own})
    return environments


def _gpu_blocks(workers: int, gpus_per_worker: int) -> list[Mapping[str, str]]:
    needed = workers * gpus_per_worker
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    if visible is None:
        devices = [str(number) for number in range(needed)]
    else:
        # CUDA ignores devices from the first -1 on.
        named = (name.strip() for name in visible.split(","))
        devices = [name for name in takewhile(lambda name: name != "-1", named) if name]
    if len(devices) < needed:
        raise InvalidInputError(
            f"`gpus_per_worker` times `workers` must be at most the number of devices in "
            f"`CUDA_VISIBLE_DEVICES`. Received: gpus_per_worker={gpus_per_worker}, "
            f"workers={workers}, CUDA_VISIBLE_DEVICES={visible!r}."
        )
    starts = range(0, needed, gpus_per_worker)
    return [{"CUDA_VISIBLE_DEVICES": ",".join(devices[n : n + gpus_per_worker])} for n in starts]


def _free_ports(count: int) -> list[int]:
    with ExitStack() as stack:
        # All sockets are open at once, so that no port is given twice.
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for each in sockets:
            each.bind((_HOST, 0))
        return [each.getsockname()[1] for each in sockets]
