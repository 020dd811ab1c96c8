"""One training step: forward, backward and update of the weights."""

from collections.abc import Callable, Sequence
from typing import Any

import keras
import tensorflow as tf

from lstm_sentiment.model.batch_dropout import share_of_batch
from lstm_sentiment.model.sentiment_model import SentimentModel, mean_logits
from lstm_sentiment.training.config import TrainingConfig
from lstm_sentiment.training.inputs.batches import NO_LABEL
from lstm_sentiment.training.schedule import LearningRate
from lstm_sentiment.version_folder import PAD_ID

Step = Callable[[Any], tf.Tensor]
"""Trains on the next batch of an iterator; returns float32 `(4,)`: loss, correct answers, texts and
real tokens, summed over the global batch."""


class AdamOfSums(keras.optimizers.Adam):
    """Adam for gradients already summed over the replicas, which Keras would sum again."""

    def _all_reduce_sum_gradients(self, grads_and_vars: Any) -> list[Any]:
        return list(grads_and_vars)


def make_optimizer(training: TrainingConfig, total_steps: int) -> keras.optimizers.Optimizer:
    """Makes Adam with its learning-rate schedule, in the scope of the strategy."""
    return AdamOfSums(
        LearningRate(
            training.learning_rate,
            total_steps,
            training.schedule,
            int(training.warmup_share * total_steps),
        ),
        name="adam",
    )


def make_step(
    model: SentimentModel,
    optimizer: keras.optimizers.Optimizer,
    training: TrainingConfig,
    *,
    class_weights: Sequence[float] | None = None,
    averages: Sequence[tf.Variable] = (),
) -> Step:
    """Compiles a training step, in the scope of the strategy that runs it.

    The gradient is that of the mean loss over the global batch, whatever the number of replicas,
    and is clipped by its global norm. Members of an ensemble learn as they would alone: each has
    its own loss and its own norm; of the word vectors, which they share, it is the mean gradient.

    Args:
        model: The model to train.
        optimizer: Built by the call.
        training: Settings of training.
        class_weights: Weight of each class's texts; `None` weighs all texts alike.
        averages: A moving average for each trainable variable of `model`, or none.

    Returns:
        The step, traced at its first call.
    """
    strategy = tf.distribute.get_strategy()
    variables = model.trainable_variables
    optimizer.build(variables)
    replicas = strategy.num_replicas_in_sync
    weights = None if class_weights is None else tf.constant(class_weights, tf.float32)
    groups = _variables_of_members(model)

    def replica_step(
        token_ids: tf.Tensor,
        labels: tf.Tensor,
        place: tf.Tensor,
        targets: tf.Tensor | None = None,
    ) -> tf.Tensor:
        first, all_texts = place[0], place[1]
        with tf.GradientTape() as tape:
            with share_of_batch(first, all_texts):
                members = model.member_logits(token_ids, training=True)
            losses = tf.add_n(
                [_losses(each, labels, targets, training.label_smoothing) for each in members]
            )
            if weights is not None:
                losses *= _weights_of(weights, labels, targets)
            losses *= tf.cast(labels != NO_LABEL, losses.dtype)
            loss = tf.reduce_sum(losses) / tf.cast(all_texts, losses.dtype)
        # Dense: in sparse gradients, rows of a repeated word would count repeatedly in the norm.
        gradients = [tf.convert_to_tensor(part) for part in tape.gradient(loss, variables)]
        sums = _sums(token_ids, labels, mean_logits(members), losses / len(members))
        if replicas > 1:
            *gradients, sums = _sum_over_replicas([*gradients, sums])
        clipped = _clipped(gradients, groups, training.gradient_clip_norm)
        optimizer.apply(clipped, variables)
        return sums

    @tf.function(autograph=False, reduce_retracing=True)
    def step(iterator: Any) -> tf.Tensor:
        sums = strategy.run(replica_step, args=next(iterator))
        if averages:
            momentum = _momentum(optimizer.iterations, training.average_momentum)
            for average, variable in zip(averages, variables, strict=True):
                strategy.extended.update(average, _move, args=(variable.value, momentum))
        return strategy.experimental_local_results(sums)[0]  # equal at all replicas

    traced: list[Step] = []

    def traced_step(iterator: Any) -> tf.Tensor:
        # Traced by hand: TensorFlow would warn of too many traces after some calls of `fit`.
        if not traced:
            traced.append(step.get_concrete_function(iterator))
        return traced[0](iterator)

    return traced_step


def _variables_of_members(model: SentimentModel) -> list[list[int]]:
    """Returns the places of each member's variables among the trainable ones.

    The last group are the shared variables; a model without other members has one group.
    """
    variables, members = model.trainable_variables, model.members
    if len(members) == 1:
        return [list(range(len(variables)))]
    place_of = {id(variable): place for place, variable in enumerate(variables)}
    groups = [
        [place_of[id(weight)] for layer in member.layers() for weight in layer.trainable_variables]
        for member in members
    ]
    own = {place for group in groups for place in group}
    return [*groups, [place for place in range(len(variables)) if place not in own]]


def _clipped(
    gradients: Sequence[tf.Tensor], groups: Sequence[Sequence[int]], largest_norm: float
) -> list[tf.Tensor]:
    """Clips each group's gradients by their global norm; averages those of shared variables."""
    clipped = list(gradients)
    if len(groups) > 1:
        for place in groups[-1]:
            clipped[place] /= len(groups) - 1
    for group in filter(None, groups):
        parts, _ = tf.clip_by_global_norm([clipped[place] for place in group], largest_norm)
        for place, part in zip(group, parts, strict=True):
            clipped[place] = part
    return clipped


def _losses(
    logits: tf.Tensor, labels: tf.Tensor, targets: tf.Tensor | None, smoothing: float
) -> tf.Tensor:
    """Returns the cross entropy of each text, float32 `(batch,)`, with its target if there are."""
    if targets is not None:
        return tf.nn.softmax_cross_entropy_with_logits(targets, logits)
    labels = tf.maximum(labels, 0)  # rows with `NO_LABEL` get a weight of 0 later
    if not smoothing:
        return tf.nn.sparse_softmax_cross_entropy_with_logits(labels, logits)
    classes = logits.shape[1]
    targets = tf.one_hot(labels, classes) * (1 - smoothing) + smoothing / classes
    return tf.nn.softmax_cross_entropy_with_logits(targets, logits)


def _weights_of(weights: tf.Tensor, labels: tf.Tensor, targets: tf.Tensor | None) -> tf.Tensor:
    """Returns the weight of each text, float32 `(batch,)`: its class's, or the expected one."""
    if targets is None:
        return tf.gather(weights, tf.maximum(labels, 0))
    return tf.linalg.matvec(targets, weights)


def _sums(
    token_ids: tf.Tensor, labels: tf.Tensor, logits: tf.Tensor, losses: tf.Tensor
) -> tf.Tensor:
    """Returns this replica's part of a step's sums."""
    real = labels != NO_LABEL
    right = tf.argmax(logits, axis=1) == labels
    tokens = (token_ids != PAD_ID) & real[:, tf.newaxis]
    counts = (right, real, tokens)
    return tf.stack([tf.reduce_sum(losses), *(_count(each) for each in counts)])


def _count(found: tf.Tensor) -> tf.Tensor:
    return tf.math.count_nonzero(found, dtype=tf.float32)


def _sum_over_replicas(values: list[tf.Tensor]) -> list[tf.Tensor]:
    context = tf.distribute.get_replica_context()
    return context.all_reduce(tf.distribute.ReduceOp.SUM, values)


def _momentum(iterations: Any, momentum: float) -> tf.Tensor:
    """Returns a momentum that grows, so that the average soon forgets the first weights."""
    done = tf.cast(iterations.value, tf.float32)
    return tf.minimum(momentum, (1 + done) / (10 + done))


def _move(average: Any, value: tf.Tensor, momentum: tf.Tensor) -> tf.Operation:
    return average.assign(average * momentum + tf.cast(value, average.dtype) * (1 - momentum))
