import pytest
import tensorflow as tf

from lstm_sentiment import InvalidInputError
from lstm_sentiment.training.distribution import describe, make_strategy


def test_mirrored_takes_every_logical_cpu_where_there_is_no_gpu() -> None:
    if tf.config.list_logical_devices("GPU"):
        pytest.skip("this machine has a GPU")
    strategy = make_strategy("mirrored")
    assert strategy.num_replicas_in_sync == 2
    assert describe(strategy, 64) == "Training on 2 CPU replicas, 64 texts a step (32 each)"


@pytest.mark.parametrize("name", ["auto", "default"])
def test_one_device_needs_no_strategy(name: str) -> None:
    assert make_strategy(name).num_replicas_in_sync == 1


def test_an_unknown_strategy_is_told_with_the_choices() -> None:
    with pytest.raises(InvalidInputError, match=r"auto, default, mirrored. Received: 'tpu'"):
        make_strategy("tpu")
