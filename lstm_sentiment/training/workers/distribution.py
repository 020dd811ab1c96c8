"""The devices that train: the `tf.distribute` strategy behind `--strategy`."""

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
from lstm_sentiment.training.workers.cluster import Cluster, read_cluster
from lstm_sentiment.training.workers.meeting import meet

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
        strategy: The strategy in whose scope the model is built and trained.
        cluster: The workers' addresses; `None` if this process trains alone.
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
        """True at the worker that writes checkpoints and exports."""
        return self.index == 0

    @property
    def replicas(self) -> int:
        """Number of replicas that share each batch, over all workers."""
        return int(self.strategy.num_replicas_in_sync)

    @property
    def shares(self) -> range:
        """The numbers of this worker's replicas, among those of all workers."""
        own = self.replicas // self.count
        return range(self.index * own, (self.index + 1) * own)

    def sum(self, array: NDArray[Any]) -> NDArray[Any]:
        """Sums arrays of the same shape and dtype over the workers; all must call it.

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
        """Returns the chief's `text` at every worker; all must call it.

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

    def finish(self) -> None:
        """Waits until all workers have called it, such as the chief after its export.

        A worker that returns from it knows that the run is complete. Where a chief is lost before,
        the others fail like the chief, so that all of them can be started again.

        Raises:
            TrainingError: If a worker is lost before it has called it.
        """
        self.sum(np.zeros(1, np.int32))
        # Nobody leaves before the others know: who leaves early is lost to them.
        with suppress(TrainingError):
            self.sum(np.zeros(1, np.int32))

    @contextmanager
    def together(self) -> Iterator[None]:
        """Turns TensorFlow's errors for a lost worker into one `TrainingError` of one line."""
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
    """Makes the strategy; with several workers, waits until all have started.

    `default` computes on one device. `mirrored` has a replica on each GPU of this machine or,
    without GPUs, on each logical device of the CPU; replicas share each batch. `multi-worker` does
    the same over all GPUs, or else CPUs, of the workers in `TF_CONFIG`. `auto` is `multi-worker` if
    `TF_CONFIG` names several workers, else `mirrored` if there are several GPUs or
    `logical_devices` is given, else `default`.

    Several workers must be started before TensorFlow computes anything. A process can be a worker
    of one cluster only.

    Args:
        training: The strategy, and how long to wait.
        progress: Receives a message while workers are missing.

    Returns:
        The workers.

    Raises:
        InvalidInputError: If TensorFlow has already computed something.
        ConfigError: If `TF_CONFIG` is needed and breaks a rule.
        TrainingError: If a worker does not start in time.
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
    """Returns the strategy that `auto` stands for."""
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
    """Lets GPU memory grow as needed, and divides the CPU into logical devices."""
    for gpu in tf.config.list_physical_devices("GPU"):
        with suppress(RuntimeError):  # TensorFlow has started: too late to change it
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
    # One a process: a second strategy on the same devices would number its collective operations
    # from 0 again, and TensorFlow would confuse them with those of the first.
    return tf.distribute.MirroredStrategy(devices)


_started: dict[Cluster, Workers] = {}


class _Resolver(tf.distribute.cluster_resolver.TFConfigClusterResolver):
    """Names the workers as `read_cluster` does, for which the chief is worker 0."""

    def __init__(self, cluster: Cluster) -> None:
        super().__init__(task_type="worker", task_id=cluster.index)
        self._addresses = list(cluster.addresses)

    def cluster_spec(self) -> tf.train.ClusterSpec:
        return tf.train.ClusterSpec({"worker": self._addresses})


def _multi_worker(cluster: Cluster, timeout_seconds: float, progress: Progress) -> Workers:
    if cluster in _started:
        return _started[cluster]
    _prepare_devices()
    meet(cluster, timeout_seconds, progress=progress)
    try:
        strategy = tf.distribute.MultiWorkerMirroredStrategy(_Resolver(cluster))
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
    """Returns one line on replicas, devices, batch size and precision."""
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
    size = training.batch_size
    many = f"{replicas} {kind} replicas " if replicas > 1 or workers.cluster is not None else ""
    each = f" ({size / replicas:g} each)" if replicas > 1 and isinstance(size, int) else ""
    return f"Training {many}{where}: {size} texts a step{each}, {training.precision}"


def _devices(strategy: tf.distribute.Strategy) -> list[str]:
    """Returns the devices of this process that train, such as `GPU:0`."""
    if not isinstance(
        strategy, tf.distribute.MirroredStrategy | tf.distribute.MultiWorkerMirroredStrategy
    ):
        return ["GPU:0" if tf.config.list_logical_devices("GPU") else "CPU:0"]
    return [":".join(device.split(":")[-2:]) for device in strategy.extended.worker_devices]
