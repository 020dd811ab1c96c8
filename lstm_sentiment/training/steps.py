"""One step of training: a batch in, better weights out."""

from collections.abc import Callable, Sequence
from typing import Any

import keras
import tensorflow as tf

from lstm_sentiment.model.sentiment_model import SentimentModel
from lstm_sentiment.training.config import TrainingConfig
from lstm_sentiment.training.schedule import LearningRate

Step = Callable[[Any], tf.Tensor]
"""Takes an iterator of batches, trains on the next one, and returns float64 `(4,)`, summed over the
batch: the loss, the right answers, the texts, the real tokens."""


def make_optimizer(training: TrainingConfig, total_steps: int) -> keras.optimizers.Optimizer:
    """Makes Adam with the step size that `training` asks for; call it in the strategy's scope."""
    return keras.optimizers.Adam(
        LearningRate(
            training.learning_rate,
            total_steps,
            training.schedule,
            int(training.warmup_share * total_steps),
        )
    )


def make_step(
    model: SentimentModel,
    optimizer: keras.optimizers.Optimizer,
    training: TrainingConfig,
    *,
    class_weights: Sequence[float] | None = None,
    averages: Sequence[tf.Variable] = (),
) -> Step:
    """Compiles one step; call it in the scope of the strategy that is to run it.

    The gradient is that of the mean loss over the whole batch, however it is shared out among the
    replicas, and is clipped as a whole.

    Args:
        model: What to train.
        optimizer: Built by the call.
        training: How to train.
        class_weights: What a text of each class weighs; `None` weighs all alike.
        averages: For each trainable variable of `model` its moving average, or none.

    Returns:
        The step.
    """
    strategy = tf.distribute.get_strategy()
    variables = model.trainable_variables
    optimizer.build(variables)
    replicas = strategy.num_replicas_in_sync
    weights = None if class_weights is None else tf.constant(class_weights, tf.float32)

    def replica_step(token_ids: tf.Tensor, labels: tf.Tensor) -> tf.Tensor:
        texts = tf.cast(tf.shape(labels)[0], tf.float32)
        all_texts = _sum_over_replicas(texts) if replicas > 1 else texts
        with tf.GradientTape() as tape:
            logits = model(token_ids, training=True)
            losses = _losses(logits, labels, training.label_smoothing)
            if weights is not None:
                losses *= tf.gather(weights, labels)
            loss = tf.reduce_sum(losses) / all_texts
        # Dense, or the rows of a word that occurs twice would count twice in the norm.
        gradients = [tf.convert_to_tensor(part) for part in tape.gradient(loss, variables)]
        if replicas > 1:
            gradients = [_sum_over_replicas(gradient) for gradient in gradients]
        gradients, _ = tf.clip_by_global_norm(gradients, training.gradient_clip_norm)
        # Keras sums what the replicas give it; each gives the same.
        optimizer.apply([gradient / replicas for gradient in gradients], variables)
        right = tf.argmax(logits, axis=1) == labels
        return tf.stack(
            [
                tf.cast(tf.reduce_sum(losses), tf.float64),
                tf.math.count_nonzero(right, dtype=tf.float64),
                tf.cast(texts, tf.float64),
                tf.math.count_nonzero(token_ids, dtype=tf.float64),
            ]
        )

    @tf.function(autograph=False, reduce_retracing=True)
    def step(iterator: Any) -> tf.Tensor:
        sums = strategy.run(replica_step, args=next(iterator))
        if averages:
            momentum = _momentum(optimizer.iterations, training.average_momentum)
            for average, variable in zip(averages, variables, strict=True):
                strategy.extended.update(average, _move, args=(variable.value, momentum))
        return strategy.reduce(tf.distribute.ReduceOp.SUM, sums, axis=None)

    traced: list[Step] = []

    def traced_step(iterator: Any) -> tf.Tensor:
        # Traced by hand: TensorFlow takes a function that is made anew in each fit for one that is
        # traced too often, and warns.
        if not traced:
            traced.append(step.get_concrete_function(iterator))
        return traced[0](iterator)

    return traced_step


def _losses(logits: tf.Tensor, labels: tf.Tensor, smoothing: float) -> tf.Tensor:
    """The cross entropy of each text, float32 `(batch,)`."""
    if not smoothing:
        return tf.nn.sparse_softmax_cross_entropy_with_logits(labels, logits)
    classes = logits.shape[1]
    targets = tf.one_hot(labels, classes) * (1 - smoothing) + smoothing / classes
    return tf.nn.softmax_cross_entropy_with_logits(targets, logits)


def _sum_over_replicas(value: Any) -> tf.Tensor:
    context = tf.distribute.get_replica_context()
    return context.all_reduce(tf.distribute.ReduceOp.SUM, value)


def _momentum(iterations: Any, momentum: float) -> tf.Tensor:
    """Grows towards `momentum`, or the first, random weights would stay in the average long."""
    done = tf.cast(iterations.value, tf.float32)
    return tf.minimum(momentum, (1 + done) / (10 + done))


def _move(average: Any, value: tf.Tensor, momentum: tf.Tensor) -> tf.Operation:
    return average.assign(average * momentum + tf.cast(value, average.dtype) * (1 - momentum))
