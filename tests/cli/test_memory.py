"""Work that cannot fit into memory is refused before it begins, with what to lower."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from lstm_sentiment import PipelineConfig
from lstm_sentiment.errors import InvalidInputError
from lstm_sentiment.memory import MemoryPart, available_memory, check_memory
from lstm_sentiment.model.config import ModelConfig
from lstm_sentiment.model.memory import network_memory
from lstm_sentiment.pipeline.memory import check_run_memory
from lstm_sentiment.training.config import TrainingConfig

GB = 10**9


def test_the_message_names_the_largest_part_and_what_to_lower() -> None:
    parts = [
        MemoryPart("states", GB, ("training.batch_size",)),
        MemoryPart("words", 5 * GB, ("b",)),
    ]
    check_memory("Training", parts, available=6 * GB)
    with pytest.raises(InvalidInputError) as refused:
        check_memory("Training", parts, available=4 * GB)
    assert str(refused.value) == (
        "Training must fit into memory: lower b. Received: words that take 5.0 GB of the 6.0 GB "
        "needed at the least, where 4.0 GB are free."
    )


def test_something_is_free_on_this_machine() -> None:
    free = available_memory()
    assert free is None or 0 < free < 2**60


def test_the_weights_are_those_that_keras_counts(fitted_weights: int) -> None:
    config = ModelConfig(lstm_units=8, lstm_layers=2, members=2)
    (weights, _, _) = network_memory(config, embedding_dim=5)
    assert weights.size == 4 * 4 * fitted_weights


@pytest.fixture
def fitted_weights() -> int:
    """The LSTMs' weights of the network that the test above describes."""
    from lstm_sentiment.model.sentiment_model import SentimentModel

    network = SentimentModel(9, 5, 2, ModelConfig(lstm_units=8, lstm_layers=2, members=2))
    lstms = [*network.lstm_layers, *network.other_lstm_layers]
    return sum(weight.size for lstm in lstms for weight in lstm.get_weights())


@pytest.mark.parametrize(
    ("change", "part"),
    [
        ({"embedding_dim": 50}, 0),
        ({"vocabulary_size": 70}, 1),
        ({"batch_tokens": 80}, 2),
        ({"replicas": 3}, 0),
    ],
)
def test_each_size_makes_its_part_larger(change: dict[str, int], part: int) -> None:
    sizes = {"embedding_dim": 5, "vocabulary_size": 7, "batch_tokens": 8}
    before = network_memory(ModelConfig(), **sizes)
    assert network_memory(ModelConfig(), **{**sizes, **change})[part].size > before[part].size


def test_settings_alone_can_be_too_much() -> None:
    large = replace(PipelineConfig(), model=ModelConfig(lstm_units=4096))
    check_run_memory(PipelineConfig(), available=GB)
    with pytest.raises(InvalidInputError, match=r"lower model\.lstm_units"):
        check_run_memory(large, available=GB)
    check_run_memory(replace(large, init_from="models/old"), available=GB)
    replicas = TrainingConfig(strategy="mirrored", logical_devices=64)
    with pytest.raises(InvalidInputError, match="must fit into memory"):
        check_run_memory(replace(PipelineConfig(), training=replicas), available=GB // 20)


@pytest.mark.parametrize("command", ["fit", "tune"])
def test_a_network_that_no_machine_holds_is_told_before_any_work(
    is_refused_at_once: Callable[..., None], command: str
) -> None:
    sizes = ("--set", "model.lstm_units=16384", "--set", "model.members=64")
    is_refused_at_once("must fit into memory: lower model.lstm_units", command, *sizes)
