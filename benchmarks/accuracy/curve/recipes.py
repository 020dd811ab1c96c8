"""What the runs of the learning curve differ in: settings of `fit` by the name of the recipe."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.accuracy.curve.draws import LabelledSet

Settings = Mapping[str, Any]


@dataclass(frozen=True)
class Request:
    """The texts of one run, and where given word vectors are.

    Attributes:
        labelled: The set.
        size: Number of labelled texts; `None` takes the whole set, split 80/10/10.
        draw: Number of the draw, which is the seed of the run too.
        glove: Returns the file of English word vectors.
    """

    labelled: LabelledSet
    size: int | None
    draw: int
    glove: Callable[[], Path]


def _glove(request: Request) -> Settings:
    return {"vectors": str(request.glove())}


def _teacher(request: Request) -> Settings:
    if request.size is None:
        return {"teacher": "e5"}
    unlabelled = request.labelled.unlabelled_file(request.size, request.draw)
    return {"teacher": "e5", "unlabelled": [str(unlabelled)]}


def _constant(settings: Settings) -> Callable[[Request], Settings]:
    return lambda request: settings


RECIPES: Mapping[str, Callable[[Request], Settings]] = {
    "default": _constant({}),
    "fast": _constant({"preset": "fast"}),
    "accurate": _constant({"preset": "accurate"}),
    "without n-grams": _constant({"model": {"ngrams": 0}}),
    "without character n-grams": _constant({"model": {"character_ngrams": 0}}),
    "class weights auto": _constant({"training": {"class_weights": "auto"}}),
    "class weights balanced": _constant({"training": {"class_weights": "balanced"}}),
    "cross-validation": _constant({"training": {"cross_validation": "auto"}}),
    "cross-validation and class weights auto": _constant(
        {"training": {"cross_validation": "auto", "class_weights": "auto"}}
    ),
    "teacher e5": _teacher,
    "GloVe": _glove,
    "GloVe and own vectors": lambda request: {**_glove(request), "own_vectors": True},
    "accurate GloVe": lambda request: {**_glove(request), "preset": "accurate"},
}
"""By name, what makes the settings of a config file that differ from the defaults."""
