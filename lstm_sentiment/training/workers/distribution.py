"""Which devices train: the `tf.distribute` strategy behind `--strategy`, and who shares it."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from lstm_sentiment.errors import ConfigError, InvalidInputError, TrainingError
from lstm_sentiment.progress import SILENT, Progress
from lstm_sentiment.training.config import StrategyName, TrainingConfig
from lstm_sentiment.training.workers.cluster import Cluster, meet, read_cluster

_LOST = (
    tf.errors.UnavailableError,
    tf.errors.AbortedError,
    tf.errors.CancelledError,
    tf.errors.DeadlineExceededError,
    tf.errors.FailedPreconditionError,
)


@dataclass(frozen=True)
class Workers:
    """The processes that train together, seen from one of them.

    Attributes:
        strategy: In whose scope the model is built and trained.
        cluster: Where the workers are; `None` where this process trains alone.
    """

    strategy: tf.distribute.Strategy
    cluster: Cluster | None = None

    @property
    def index(self) -> int:
        """Number of this worker, from 0."""
        return 0 if self.cluster is None else self.cluster.index

    @property
    def count(self) -> int:
        """Number of workers."""
        return 1 if self.cluster is None else len(self.cluster.addresses)

    @property
    def is_chief(self) -> bool:
        """Whether this is the worker that writes checkpoints and exports."""
        return self.index == 0

    @property
    def replicas(self) -> int:
        """Copies of the model that share each batch, over all workers."""
        return int(self.strategy.num_replicas_in_sync)

    @property
    def shares(self) -> range:
        """The numbers of this worker's replicas, among those of all workers."""
        own = self.replicas // self.count
        return range(self.index * own, (self.index + 1) * own)

    def sum(self, array: NDArray[Any]) -> NDArray[Any]:
        """Adds up arrays of one shape and dtype, one of each worker; all must call it.

        Raises:
            TrainingError: If a worker is lost.
        """
        if self.count == 1:
            return array

        def own(context: Any) -> tf.Tensor:
            is_first = context.replica_id_in_sync_group == self.shares[0]
            return tf.constant(array if is_first else np.zeros_like(array))

        with self.together():
            values = self.strategy.experimental_distribute_values_from_function(own)
            summed = self.strategy.reduce(tf.distribute.ReduceOp.SUM, values, axis=None)
            return np.asarray(summed.numpy(), array.dtype)

    def told_by_chief(self, text: str = "") -> str:
        """What the chief says, at every worker; all must call it.

        Args:
            text: The chief's; that of others is not looked at.

        Raises:
            TrainingError: If a worker is lost.
        """
        if self.count == 1:
            return text
        encoded = np.frombuffer((text if self.is_chief else "").encode(), np.uint8)
        length = int(self.sum(np.array([len(encoded)], np.int32))[0])
        padded = np.zeros(length, np.int32)
        padded[: len(encoded)] = encoded
        return self.sum(padded).astype(np.uint8).tobytes().decode()

    @contextmanager
    def together(self) -> Iterator[None]:
        """Turns TensorFlow's many words for a lost worker into one line.

        Raises:
            TrainingError: If a worker is lost within.
        """
        try:
            yield
        except _LOST as error:
            if self.count == 1:
                raise
            raise TrainingError(
                "All workers must go on to the end. Received: another worker has stopped, as seen "
                f"from worker {self.index}."
            ) from error


def start_workers(training: TrainingConfig, progress: Progress = SILENT) -> Workers:
    """Takes devices, and for several workers waits until all are there.

    `default` computes on one device. `mirrored` keeps a replica on each GPU of this machine or,
    where there is none, on each logical device of the CPU, and shares each batch out among them.
    `multi-worker` does so over all GPUs, or else CPUs, of all workers that `TF_CONFIG` names.
    `auto` is `multi-worker` where it names several, else `mirrored` where there are several GPUs or
    `logical_devices` are asked for, else `default`.

    Several workers must be started before TensorFlow computes anything. A process can be a worker
    of one cluster only.

    Args:
        training: Says which, and how long to wait.
        progress: Told who is waited for.

    Returns:
        The workers.

    Raises:
        InvalidInputError: If TensorFlow has computed something before.
        ConfigError: If `TF_CONFIG` is needed and breaks a rule.
        TrainingError: If a worker does not come in time.
    """
    cluster = read_cluster() if training.strategy in ("auto", "multi-worker") else None
    name = _resolved(training, cluster)
    if name == "multi-worker":
        assert cluster is not None
        return _multi_worker(cluster, training.start_timeout_seconds, progress)
    _prepare_devices(training.logical_devices)
    if name == "default":
        return Workers(tf.distribute.get_strategy())
    gpus = [] if training.logical_devices else tf.config.list_logical_devices("GPU")
    devices = gpus or tf.config.list_logical_devices("CPU")[: training.logical_devices]
    return Workers(_mirrored(tuple(device.name for device in devices)))


def _resolved(training: TrainingConfig, cluster: Cluster | None) -> StrategyName:
    """The strategy that `auto` stands for."""
    name = training.strategy
    if name == "multi-worker" and cluster is None:
        raise ConfigError(
            "The strategy `multi-worker` needs `TF_CONFIG` in the environment; `launch` sets it "
            "for several workers on this machine. Received: none, or one without `cluster`."
        )
    if name != "auto":
        return name
    if cluster is not None and len(cluster.addresses) > 1:
        return "multi-worker"
    several = training.logical_devices or len(tf.config.list_physical_devices("GPU")) > 1
    return "mirrored" if several else "default"


def _prepare_devices(logical_devices: int | None = None) -> None:
    """Lets GPU memory grow as needed, and divides the CPU where that is asked for."""
    for gpu in tf.config.list_physical_devices("GPU"):
        with suppress(RuntimeError):  # TensorFlow is running: it is as it is
            tf.config.experimental.set_memory_growth(gpu, True)
    if logical_devices is None:
        return
    parts = [tf.config.LogicalDeviceConfiguration()] * logical_devices
    with suppress(RuntimeError):
        tf.config.set_logical_device_configuration(tf.config.list_physical_devices("CPU")[0], parts)
    found = len(tf.config.list_logical_devices("CPU"))
    if found < logical_devices:
        raise InvalidInputError(
            "`logical_devices` must be made before TensorFlow computes anything. "
            f"Received: {logical_devices}, but the CPU is {found} already."
        )


@cache
def _mirrored(devices: tuple[str, ...]) -> tf.distribute.Strategy:
    # One a process: a second strategy on the same devices numbers its collective operations from
    # the start again, and TensorFlow takes them for those of the first, whose shapes differ.
    return tf.distribute.MirroredStrategy(devices)


_started: dict[Cluster, Workers] = {}


def _multi_worker(cluster: Cluster, timeout_seconds: float, progress: Progress) -> Workers:
    if cluster in _started:
        return _started[cluster]
    _prepare_devices()
    meet(cluster, timeout_seconds, progress=progress)
    try:
        strategy = tf.distribute.MultiWorkerMirroredStrategy()
    except RuntimeError as error:
        raise InvalidInputError(
            "Several workers must be started before TensorFlow computes anything. "
            f"Received: {error}."
        ) from error
    except tf.errors.OpError as error:
        raise TrainingError(
            f"TensorFlow could not start worker {cluster.index} at {cluster.address}. "
            f"Received: {str(error).splitlines()[0]}."
        ) from error
    _started[cluster] = Workers(strategy, cluster)
    return _started[cluster]


def describe(workers: Workers, training: TrainingConfig) -> str:
    """Says in one line what runs where.

    Args:
        workers: As `start_workers` gives them.
        training: For the size of a batch, and the precision.
    """
    replicas, devices = workers.replicas, _devices(workers.strategy)
    names = ", ".join(devices)
    kind = devices[0].partition(":")[0]
    where = f"on {names}"
    if workers.cluster is not None:
        chief = ", the chief" * workers.is_chief
        where = (
            f"in {workers.count} workers (this is worker {workers.index}{chief}, at "
            f"{workers.cluster.address}, on {names})"
        )
    each = f" ({training.batch_size / replicas:g} each)" if replicas > 1 else ""
    return (
        f"Training {replicas} {kind} replica{'s' * (replicas > 1)} {where}: "
        f"{training.batch_size} texts a step{each}, {training.precision}"
    )


def _devices(strategy: tf.distribute.Strategy) -> list[str]:
    """The devices of this process that train, such as `GPU:0`."""
    if not isinstance(
        strategy, tf.distribute.MirroredStrategy | tf.distribute.MultiWorkerMirroredStrategy
    ):
        return ["GPU:0" if tf.config.list_logical_devices("GPU") else "CPU:0"]
    return [":".join(device.split(":")[-2:]) for device in strategy.extended.worker_devices]
