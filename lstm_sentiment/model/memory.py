"""The memory that training a `SentimentModel` needs at the least; imports no TensorFlow."""

from lstm_sentiment.memory import MemoryPart
from lstm_sentiment.model.config import ModelConfig

_FLOAT = 4
# Weights, gradients and Adam's two moments (https://arxiv.org/abs/1412.6980).
_TRAINED = 4
# Four gates, state and cell of each step are kept for the gradients.
_KEPT_OF_A_STEP = 6


def network_memory(
    config: ModelConfig,
    *,
    embedding_dim: int,
    vocabulary_size: int = 0,
    batch_tokens: int = 0,
    replicas: int = 1,
) -> list[MemoryPart]:
    """Returns what a network takes while it is trained.

    Args:
        config: Sizes of the network.
        embedding_dim: Width of the word vectors.
        vocabulary_size: Rows of the embedding; 0 where it is not known yet.
        batch_tokens: Tokens of the texts of a batch; 0 where they are not known yet.
        replicas: Copies of the network in this process.
    """
    directions = 2 if config.bidirectional else 1
    states = directions * config.lstm_units
    weights, width = 0, embedding_dim
    for _ in range(config.lstm_layers):
        # A kernel, a recurrent kernel and a bias for each of the four gates.
        weights += 4 * states * (width + config.lstm_units + 1)
        width = states
    kept = config.members * config.lstm_layers * states * _KEPT_OF_A_STEP
    copies = _TRAINED if config.trainable_embeddings else 1
    sizes = ("model.lstm_units", "model.lstm_layers", "model.members")
    return [
        MemoryPart(
            "weights of the LSTMs", replicas * config.members * weights * _TRAINED * _FLOAT, sizes
        ),
        MemoryPart(
            "word vectors",
            replicas * vocabulary_size * embedding_dim * copies * _FLOAT,
            ("vector_training.dim", "vectors_limit"),
        ),
        MemoryPart(
            "states of the LSTMs",
            batch_tokens * kept * _FLOAT,
            ("training.batch_size", "model.max_length", *sizes),
        ),
    ]
