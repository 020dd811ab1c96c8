"""Which devices train: the `tf.distribute` strategy behind `--strategy`."""

from functools import cache

import tensorflow as tf

from lstm_sentiment.training.config import check_strategy


def make_strategy(name: str = "auto") -> tf.distribute.Strategy:
    """Makes the strategy in whose scope the model is built and trained.

    Args:
        name: `default` computes on one device. `mirrored` keeps a replica on each GPU of this
            machine or, where there is none, on each logical CPU device, and shares each batch out
            among them. `auto` is `mirrored` where there are several GPUs, else `default`.

    Returns:
        The strategy.

    Raises:
        InvalidInputError: If `name` is none of the choices.
    """
    check_strategy(name)
    gpus = tf.config.list_logical_devices("GPU")
    if name == "default" or (name == "auto" and len(gpus) < 2):
        return tf.distribute.get_strategy()
    devices = gpus or tf.config.list_logical_devices("CPU")
    return _mirrored(tuple(device.name for device in devices))


@cache
def _mirrored(devices: tuple[str, ...]) -> tf.distribute.Strategy:
    # One a process: a second strategy on the same devices numbers its collective operations from
    # the start again, and TensorFlow takes them for those of the first, whose shapes differ.
    return tf.distribute.MirroredStrategy(devices)


def describe(strategy: tf.distribute.Strategy, batch_size: int) -> str:
    """Says in one line what runs where.

    Args:
        strategy: As `make_strategy` gives it.
        batch_size: Texts a step, over all replicas.
    """
    replicas = strategy.num_replicas_in_sync
    device = "GPU" if tf.config.list_logical_devices("GPU") else "CPU"
    return (
        f"Training on {replicas} {device} replica{'s' * (replicas > 1)}, "
        f"{batch_size} texts a step ({batch_size / replicas:g} each)"
    )
