"""The cluster of workers, as `TF_CONFIG` names it."""

import json
import os
import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NoReturn

from lstm_sentiment.errors import ConfigError

_TRAINERS = ("chief", "worker")
_EVALUATOR = "evaluator"
# An evaluator takes no part in the training, and TensorFlow does not count it among the workers.
_JOBS = (*_TRAINERS, _EVALUATOR)
_UNUSED = {
    "ps": "`cluster` must hold `chief` and `worker` alone: parameter servers are not supported",
    "master": "`cluster` must call its first worker `chief`: `master` is of TensorFlow 1",
}
_PARTS = ("cluster", "task")
# No scheme, no path, no space; an IPv6 address is in brackets.
_HOST = re.compile(r"[^\s:/\[\]]+|\[[0-9a-fA-F:.%]+\]")
_PORT = re.compile(r"[0-9]{1,5}")


@dataclass(frozen=True)
class Cluster:
    """The workers that train together.

    Attributes:
        addresses: `host:port` of each worker, the chief's first.
        index: Position of this process in `addresses`.
    """

    addresses: tuple[str, ...]
    index: int

    @property
    def address(self) -> str:
        """`host:port` of this process."""
        return self.addresses[self.index]


def read_cluster(environment: Mapping[str, str] | None = None) -> Cluster | None:
    """Reads `TF_CONFIG` (https://www.tensorflow.org/guide/distributed_training#TF_CONFIG).

    Args:
        environment: Environment variables; `None` is the process's own.

    Returns:
        The workers, or `None` if `TF_CONFIG` is unset, empty or without `cluster`. The chief is the
        first of `cluster.chief`, or else of `cluster.worker`. An `evaluator` is left out, and so is
        what `TFConfigClusterResolver` does not need, such as `environment`.

    Raises:
        ConfigError: If `TF_CONFIG` breaks a rule.
    """
    text = (os.environ if environment is None else environment).get("TF_CONFIG", "")
    if not text.strip():
        return None
    try:
        config = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ConfigError(f"`TF_CONFIG` must be valid JSON. Received: {error}: {text!r}.") from None
    if not isinstance(config, dict):
        _refuse("must be a JSON object", config)
    _check_spelling(config, "", _PARTS)
    if config.get("sparseCluster"):
        _refuse("must name all workers in `cluster`: `sparseCluster` is not supported", config)
    if not config.get("cluster"):
        return None
    jobs = _jobs(config["cluster"])
    addresses = [(job, i, a) for job in _TRAINERS for i, a in enumerate(jobs.get(job, ()))]
    names = [address for _, _, address in addresses]
    if len(set(names)) < len(names) or len(jobs.get("chief", ())) > 1:
        _refuse("addresses must differ, and there must be one `chief` at most", config["cluster"])
    job, index = _task(config.get("task"))
    for position, (its_job, its_index, _) in enumerate(addresses):
        if (its_job, its_index) == (job, index):
            return Cluster(tuple(names), position)
    _refuse(f"`task` must be one of `cluster`, which holds {_counts(jobs)}", config["task"])


def _check_spelling(table: Mapping[str, Any], prefix: str, known: Collection[str]) -> None:
    for name in table:
        if name not in known and name.lower() in known:
            _refuse(f"`{prefix}{name.lower()}` must be in lower case", name)


def _jobs(cluster: Any) -> dict[str, list[str]]:
    """Returns the addresses of each job of `cluster`, as TensorFlow's `ClusterSpec` reads them."""
    if not isinstance(cluster, dict):
        _refuse("`cluster` must map `chief` and `worker` to lists of `host:port`", cluster)
    _check_spelling(cluster, "cluster.", _JOBS)
    for job, tasks in cluster.items():
        if job in _UNUSED and tasks:
            _refuse(_UNUSED[job], cluster)
        if job not in (*_JOBS, *_UNUSED):
            _refuse("`cluster` must map `chief` and `worker` to lists of `host:port`", cluster)
    return {job: list(_addresses(cluster, job)) for job in _TRAINERS if cluster.get(job)}


def _task(task: Any) -> tuple[str, int]:
    """Returns job and index of this process; `TFConfigClusterResolver` applies `int` to it."""
    if isinstance(task, dict):
        _check_spelling(task, "task.", ("type", "index"))
    if not isinstance(task, dict) or not {"type", "index"} <= set(task):
        _refuse('`task` must be there, such as {"type": "worker", "index": 0}', task)
    job, index = task["type"], task["index"]
    if not isinstance(job, str):
        _refuse("`task.type` must be a string, such as `worker`", task)
    if job in _UNUSED:
        _refuse(_UNUSED[job], task)
    if job not in _JOBS and job.lower() in _JOBS:
        _refuse("`task.type` must be in lower case", task)
    if job == _EVALUATOR:
        _refuse("an `evaluator` has nothing to do: the chief evaluates. Start no such task", task)
    try:
        number = int(index) if not isinstance(index, bool) else None
    except (TypeError, ValueError, OverflowError):
        number = None
    if number is None or (isinstance(index, float) and number != index):
        _refuse("`task.index` must be an integer", task)
    return job, number


def _addresses(jobs: Mapping[str, Any], job: str) -> Iterator[str]:
    found = jobs[job]
    if isinstance(found, dict):  # by index, as `ClusterSpec` takes them too
        by_index = {str(name).strip(): address for name, address in found.items()}
        found = [by_index.get(str(index)) for index in range(len(by_index))]
    if not isinstance(found, list) or None in found:
        _refuse(f"`cluster.{job}` must be a list of `host:port`", jobs[job])
    for address in found:
        host, _, port = address.rpartition(":") if isinstance(address, str) else ("", "", "")
        if not _HOST.fullmatch(host) or not _PORT.fullmatch(port) or not 0 < int(port) < 2**16:
            _refuse(f"`cluster.{job}` must be a list of `host:port`", address)
        yield address


def _counts(jobs: Mapping[str, Any]) -> str:
    held = " and ".join(f"{len(jobs[job])} `{job}`" for job in _TRAINERS if jobs.get(job))
    return held or "neither a `chief` nor a `worker`"


def _refuse(rule: str, received: object) -> NoReturn:
    raise ConfigError(f"`TF_CONFIG`: {rule}. Received: {json.dumps(received)}.")
