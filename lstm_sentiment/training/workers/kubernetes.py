"""`TF_CONFIG` of a pod of a Kubernetes Indexed Job, without an operator.

Kubernetes gives each pod of such a Job its number in `JOB_COMPLETION_INDEX` and the host name
`JOB-INDEX`. With a headless Service as the `subdomain` of the pods, the cluster's DNS resolves
`JOB-INDEX.SERVICE`, also after a pod was started again with another address:
https://kubernetes.io/docs/tasks/job/job-with-pod-to-pod-communication/.
"""

import json
import os
import socket
import sys
from collections.abc import Mapping, Sequence
from typing import NoReturn

from lstm_sentiment.checks import positive
from lstm_sentiment.errors import ConfigError
from lstm_sentiment.ranges import SERVICE_NAME, check_value

INDEX = "JOB_COMPLETION_INDEX"
PORT = 2222
"""The port on which workers listen, unless another is chosen."""


def pod_environment(
    workers: int,
    *,
    service: str | None = None,
    port: int = PORT,
    environment: Mapping[str, str] | None = None,
) -> dict[str, str]:
    """Returns the environment of a worker in this pod: a copy with `TF_CONFIG`.

    Args:
        workers: Number of workers, the Job's `completions`.
        service: Name of the headless Service; `None` is the Job's own name.
        port: Port on which each worker listens.
        environment: Environment variables of the pod; `None` is the process's own.

    Raises:
        InvalidInputError: If a number is not positive, or no Service can have the name.
        ConfigError: If this is no pod of an Indexed Job, or of one with another number of pods.
    """
    positive(workers=workers, port=port)
    check_value("service", SERVICE_NAME, service)
    environment = os.environ if environment is None else environment
    index = _index(environment)
    if index >= workers:
        raise ConfigError(
            "`workers` must be the Job's `completions` and `parallelism`. "
            f"Received: workers={workers} in the pod of index {index}."
        )
    job = _job(index)
    addresses = [f"{job}-{number}.{service or job}:{port}" for number in range(workers)]
    task = {"type": "worker", "index": index}
    tf_config = json.dumps({"cluster": {"worker": addresses}, "task": task})
    return {**environment, "TF_CONFIG": tf_config, "PYTHONUNBUFFERED": "1"}


def _index(environment: Mapping[str, str]) -> int:
    text = environment.get(INDEX, "")
    if not (text.isascii() and text.isdecimal()):
        raise ConfigError(
            f"`{INDEX}` must be the number of this pod, as Kubernetes sets it in a Job with "
            f"`completionMode: Indexed`. Received: {text or 'none'}."
        )
    return int(text)


def _job(index: int) -> str:
    host_name = socket.gethostname()
    # A pod with `setHostnameAsFQDN` has its whole name.
    job, dash, number = host_name.partition(".")[0].rpartition("-")
    if not job or not dash or number != str(index):
        raise ConfigError(
            "The host name must be JOB-INDEX, as Kubernetes sets it in the pods of an Indexed Job "
            f"without `hostNetwork`. Received: {host_name!r} in the pod of index {index}."
        )
    return job


def become(command: Sequence[str], environment: Mapping[str, str]) -> NoReturn:
    """Replaces this process by a command: Kubernetes sees its exit code, and it gets the signals.

    Args:
        command: A program and its arguments.
        environment: Its environment variables.
    """
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    os.execvpe(command[0], list(command), dict(environment))
