import pytest
import tensorflow as tf

from lstm_sentiment import InvalidInputError, TrainingConfig
from lstm_sentiment.errors import ConfigError
from lstm_sentiment.training.config import StrategyName
from lstm_sentiment.training.workers.distribution import describe, start_workers


def test_mirrored_takes_every_logical_cpu_where_there_is_no_gpu() -> None:
    if tf.config.list_logical_devices("GPU"):
        pytest.skip("this machine has a GPU")
    training = TrainingConfig(strategy="mirrored", batch_size=64)
    workers = start_workers(training)
    assert (workers.replicas, workers.count, list(workers.shares)) == (2, 1, [0, 1])
    assert describe(workers, training) == (
        "Training 2 CPU replicas on CPU:0, CPU:1: 64 texts a step (32 each), float32"
    )


def test_logical_devices_divide_the_cpu() -> None:
    training = TrainingConfig(strategy="mirrored", logical_devices=2)
    assert start_workers(training).replicas == 2
    assert start_workers(TrainingConfig(strategy="mirrored", logical_devices=1)).replicas == 1
    assert start_workers(TrainingConfig(logical_devices=2)).replicas == 2
    with pytest.raises(InvalidInputError, match="needs the strategy `mirrored`"):
        TrainingConfig(strategy="default", logical_devices=2)


def test_logical_devices_come_too_late_where_tensorflow_has_computed() -> None:
    with pytest.raises(InvalidInputError, match="Received: 3, but the CPU is 2 already"):
        start_workers(TrainingConfig(strategy="mirrored", logical_devices=3))


@pytest.mark.parametrize("name", ["auto", "default"])
def test_one_device_needs_no_strategy(name: StrategyName, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TF_CONFIG", raising=False)
    training = TrainingConfig(strategy=name, batch_size=8)
    workers = start_workers(training)
    assert (workers.replicas, workers.is_chief, list(workers.shares)) == (1, True, [0])
    assert describe(workers, training).startswith("Training on CPU:0: 8 texts a step")


def test_a_cluster_of_one_worker_needs_no_strategy(monkeypatch: pytest.MonkeyPatch) -> None:
    alone = '{"cluster": {"worker": ["a:1"]}, "task": {"type": "worker", "index": 0}}'
    monkeypatch.setenv("TF_CONFIG", alone)
    assert start_workers(TrainingConfig(strategy="auto")).replicas == 1


def test_several_workers_need_a_cluster(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TF_CONFIG", raising=False)
    with pytest.raises(ConfigError, match="needs `TF_CONFIG` in the environment"):
        start_workers(TrainingConfig(strategy="multi-worker"))


@pytest.mark.parametrize("name", ["auto", "multi-worker"])
def test_a_broken_cluster_is_told(name: StrategyName, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TF_CONFIG", "{cluster")
    with pytest.raises(ConfigError, match="`TF_CONFIG` must be valid JSON"):
        start_workers(TrainingConfig(strategy=name))


def test_who_trains_alone_is_told_what_it_says_itself() -> None:
    workers = start_workers(TrainingConfig(strategy="default"))
    assert workers.told_by_chief("文本") == "文本"
