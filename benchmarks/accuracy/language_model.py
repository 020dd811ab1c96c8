"""Pretrains the LSTM as a language model, on texts without labels."""

from collections.abc import Callable
from typing import Any

import keras
import tensorflow as tf

import lstm_sentiment as ls
from lstm_sentiment.model.sentiment_model import SentimentModel
from lstm_sentiment.pipeline.preparation import PreparedRun
from lstm_sentiment.training.inputs.batches import make_batches
from lstm_sentiment.training.inputs.encoding import encode_texts
from lstm_sentiment.training.inputs.token_rows import TokenRows
from lstm_sentiment.training.warm_start import StartWeights
from lstm_sentiment.version_folder import PAD_ID

_EPOCHS = 1
_BATCH = 64
_SAMPLED = 1_024
_LEARNING_RATE = 2e-3


def pretrained_lstm(prepared: PreparedRun, config: ls.PipelineConfig) -> StartWeights:
    """Trains an LSTM to say the next token and, its other direction, the one before.

    The softmax is sampled: the right token against 1,024 others, frequent ones more often.

    Args:
        prepared: Its training and unlabelled texts are read, once; no dev or test text is.
        config: Sizes of the model.

    Returns:
        The LSTM's weights. There are no classes to take over.
    """
    keras.utils.set_random_seed(0)
    texts = (*prepared.train.texts, *prepared.unlabelled.texts)
    ids = encode_texts(prepared.tokenizer, texts, max_length=config.model.max_length)
    vocabulary = prepared.tokenizer.vocabulary
    model = SentimentModel(len(vocabulary), prepared.vectors.dim, 2, config.model)
    model.embedding.load_matrix(
        prepared.vectors.embedding_matrix(vocabulary, spell=prepared.tokenizer.spellings)
    )
    batches = make_batches(ids, [0] * len(texts), batch_size=_BATCH)
    step = _make_step(model, by_count=_by_count(ids, len(vocabulary)))
    for token_ids, *_ in batches.dataset(_EPOCHS):
        step(token_ids)
    return StartWeights(model, ())


def _by_count(ids: TokenRows, size: int) -> tf.Tensor:
    """For each token id its place when the most frequent comes first: what the sampler expects."""
    counts = tf.constant(ids.counts(size))
    return tf.argsort(tf.argsort(counts, direction="DESCENDING"))


def _make_step(model: SentimentModel, *, by_count: tf.Tensor) -> Callable[[tf.Tensor], Any]:
    size = int(by_count.shape[0])
    units, lstm = model.config.lstm_units, model.lstm_layers[0]
    initial = keras.initializers.GlorotUniform(0)
    # One softmax for each direction: the next token, and the one before.
    kernels = [keras.Variable(initial((size, units))) for _ in range(2)]
    biases = [keras.Variable(tf.zeros(size)) for _ in range(2)]
    variables = [*lstm.trainable_variables, *kernels, *biases]
    optimizer = keras.optimizers.Adam(_LEARNING_RATE, global_clipnorm=1.0)
    optimizer.build(variables)

    def loss_of(direction: int, states: tf.Tensor, targets: tf.Tensor) -> tf.Tensor:
        real = targets != PAD_ID
        labels = tf.gather(by_count, tf.boolean_mask(targets, real))
        losses = tf.nn.sampled_softmax_loss(
            kernels[direction].value,
            biases[direction].value,
            labels[:, tf.newaxis],
            tf.boolean_mask(states, real),
            num_sampled=_SAMPLED,
            num_classes=size,
        )
        return tf.reduce_sum(losses) / tf.maximum(tf.cast(tf.size(labels), tf.float32), 1.0)

    @tf.function(autograph=False, reduce_retracing=True)
    def step(token_ids: tf.Tensor) -> tf.Tensor:
        with tf.GradientTape() as tape:
            inputs = model.embedding_dropout(model.embedding(token_ids), training=True)
            states = lstm(inputs, mask=token_ids != PAD_ID, training=True)
            loss = loss_of(0, states[:, :-1, :units], token_ids[:, 1:])
            if model.config.bidirectional:
                # The state before padding has read the text's end: its target is a real token.
                backwards = tf.where(token_ids[:, 1:] != PAD_ID, token_ids[:, :-1], PAD_ID)
                loss += loss_of(1, states[:, 1:, units:], backwards)
        gradients = tape.gradient(loss, variables, unconnected_gradients="zero")
        optimizer.apply([tf.convert_to_tensor(part) for part in gradients], variables)
        return loss

    return step
