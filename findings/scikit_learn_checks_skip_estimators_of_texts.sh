#!/usr/bin/env bash
# One would guess: scikit-learn's `check_estimator` tries an estimator on the kind of input that its tags name.
# An estimator whose tags say that it takes texts (`input_tags.string`) is fitted on texts, and one whose `fit`
# always raises does not pass.
#
# What happens: for such an estimator one check is left, and it never calls `fit`. A classifier of texts whose
# methods all raise passes, and for scikit-learn's own CountVectorizer no more is checked. The same class without
# the tags for texts fails 40 checks. The answer lists no check as skipped, so that it looks like success.
#
# Versions: scikit-learn 1.9.1.
#
# Why it matters: a classifier of texts that follows scikit-learn's interface is tested with `check_estimator`, as
# its guide for developers advises, and its authors take the result for proof that clone, refitting, pickling and
# the validation of `y` work. They have to test each of these themselves; setting the tag removes the checks
# that failed before it was set.
#
# Seen on Linux x86-64, Python 3.11:
#   classifier whose methods raise, tags of texts: passed 1, failed 0, skipped 0
#   CountVectorizer: passed 1, failed 0, skipped 0
#   the same classifier, default tags: passed 14, failed 40, skipped 1
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

python3 -m venv "$folder/env"
"$folder/env/bin/pip" install --quiet --disable-pip-version-check scikit-learn==1.9.1

cat >"$folder/checks.py" <<'PYTHON'
"""Runs scikit-learn's checks on a classifier that never works, and prints how many there were."""
import warnings
from collections import Counter

from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.utils.estimator_checks import check_estimator

warnings.simplefilter("ignore")


class Broken(ClassifierMixin, BaseEstimator):
    """A classifier that cannot be fitted."""

    def fit(self, X, y):
        """Raises."""
        raise RuntimeError("fit never works")

    def predict(self, X):
        """Raises."""
        raise RuntimeError("predict never works")


class BrokenOnTexts(Broken):
    """The same classifier, with the tags of an estimator that takes a list of texts."""

    def __sklearn_tags__(self):
        """Returns the tags."""
        tags = super().__sklearn_tags__()
        tags.input_tags.string = True
        tags.input_tags.one_d_array = True
        tags.input_tags.two_d_array = False
        return tags


def outcomes(estimator):
    """Returns the number of checks by their outcome."""
    return Counter(check["status"] for check in check_estimator(estimator, on_fail=None, on_skip=None))


def shown(counts):
    """Returns the counts as a text."""
    return ", ".join(f"{status} {counts[status]}" for status in ("passed", "failed", "skipped"))


of_texts, of_vectorizer, of_numbers = map(outcomes, (BrokenOnTexts(), CountVectorizer(), Broken()))
print("classifier whose methods raise, tags of texts:", shown(of_texts))
print("CountVectorizer:", shown(of_vectorizer))
print("the same classifier, default tags:", shown(of_numbers))
assert of_texts == of_vectorizer == Counter(passed=1)
assert of_numbers["failed"] == 40
check_estimator(BrokenOnTexts())
PYTHON
"$folder/env/bin/python" "$folder/checks.py"
