"""The linear classifier of n-grams, written with scikit-learn alone."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from sklearn.linear_model import LogisticRegression


def reference_of(features: Any, labels: Sequence[int]) -> Callable[[Any], Any]:
    """Trains on two classes; returns the function of features to the second's log odds."""
    held = (features > 0).toarray()
    inside, outside = (1 + held[np.asarray(labels) == label].sum(axis=0) for label in (1, 0))
    ratio = np.log(inside / inside.sum()) - np.log(outside / outside.sum())
    classifier = LogisticRegression(C=10, max_iter=300).fit(features.toarray() * ratio, labels)
    return lambda unseen: classifier.decision_function(unseen.toarray() * ratio)
