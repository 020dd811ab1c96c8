"""Confident learning: against cleanlab's definitions on small tables, and invariants."""

from random import Random

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from lstm_sentiment.labels.confident_learning import (
    confident_joint,
    estimate_noise,
    estimated_joint,
    label_posteriors,
)


@st.composite
def scored(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray]:
    """Labels of which each class has one, and probabilities of 2 to 4 classes."""
    classes = draw(st.integers(2, 4))
    extra = draw(st.lists(st.integers(0, classes - 1), max_size=30))
    labels = np.array([*range(classes), *extra], np.int64)
    seed = draw(st.integers(0, 2**32 - 1))
    probabilities = np.random.default_rng(seed).dirichlet(np.ones(classes), len(labels))
    return labels, probabilities


def joint_of(labels: np.ndarray, probabilities: np.ndarray) -> np.ndarray:
    return confident_joint(labels, probabilities, probabilities.shape[1])


def posteriors_of(labels: np.ndarray, probabilities: np.ndarray) -> np.ndarray:
    counts = np.bincount(labels, minlength=probabilities.shape[1])
    joint = estimated_joint(joint_of(labels, probabilities), counts)
    return label_posteriors(labels, probabilities, joint)


def test_the_joint_counts_texts_above_the_threshold_of_their_class() -> None:
    labels = np.array([0, 0, 0, 1, 1])
    of_first = np.array([0.9, 0.8, 0.1, 0.2, 0.5])
    probabilities = np.stack([of_first, 1 - of_first], axis=1)
    # Thresholds: 0.6 for the first class, 0.65 for the second. The last text is above neither.
    assert joint_of(labels, probabilities).tolist() == [[2, 1], [0, 1]]


def test_the_estimated_joint_has_as_many_texts_as_each_label_has() -> None:
    joint = estimated_joint(np.array([[3, 1], [0, 0]]), np.array([8, 5]))
    assert joint.tolist() == [[6, 2], [0, 5]]


@given(scored())
def test_probabilities_that_agree_with_the_labels_leave_no_suspect(
    case: tuple[np.ndarray, np.ndarray],
) -> None:
    labels, probabilities = case
    sure = 0.01 * probabilities
    sure[np.arange(len(labels)), labels] += 0.99
    joint = joint_of(labels, sure)
    assert joint.sum() == np.trace(joint) > 0
    assert all(noise.value == 0 for noise in estimate_noise(joint))
    assert (posteriors_of(labels, sure).argmax(axis=1) == labels).all()


@given(scored(), st.randoms(use_true_random=False))
def test_the_order_of_classes_and_texts_makes_no_difference(
    case: tuple[np.ndarray, np.ndarray], random: Random
) -> None:
    labels, probabilities = case
    classes = list(range(probabilities.shape[1]))
    random.shuffle(classes)
    texts = list(range(len(labels)))
    random.shuffle(texts)
    other_labels = np.array(classes)[labels][texts]
    other = np.empty_like(probabilities)
    other[:, classes] = probabilities
    other = other[texts]
    joint = joint_of(labels, probabilities)
    assert (joint_of(other_labels, other)[np.ix_(classes, classes)] == joint).all()
    posteriors = posteriors_of(other_labels, other)[:, classes]
    np.testing.assert_allclose(posteriors, posteriors_of(labels, probabilities)[texts], atol=1e-6)


@given(scored())
def test_posteriors_are_probabilities_and_intervals_hold_their_values(
    case: tuple[np.ndarray, np.ndarray],
) -> None:
    labels, probabilities = case
    posteriors = posteriors_of(labels, probabilities)
    assert (posteriors >= 0).all()
    np.testing.assert_allclose(posteriors.sum(axis=1), 1)
    for noise in estimate_noise(joint_of(labels, probabilities)):
        assert 0 <= noise.low <= noise.value <= noise.high <= 1


def test_a_class_that_often_stands_for_another_is_believed_less() -> None:
    """Half of the texts labelled 0 are of class 1; no text labelled 1 is of class 0."""
    joint = np.array([[50.0, 50.0], [0.0, 100.0]])
    labels, doubtful = np.array([0, 1]), np.array([[0.4, 0.6], [0.4, 0.6]])
    given_first, given_second = label_posteriors(labels, doubtful, joint)
    assert given_first[0] < 0.7 < given_second[1]
