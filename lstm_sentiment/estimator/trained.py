"""A trained or loaded classifier: its classes, its model or version, and its predictions."""

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from lstm_sentiment.checks import train_imports
from lstm_sentiment.display_names import GivenNames, as_display_names, replace_display_names
from lstm_sentiment.errors import InvalidInputError
from lstm_sentiment.estimator.classes import Classes
from lstm_sentiment.estimator.kept_version import KeptVersion
from lstm_sentiment.text.corpus.corpus import Corpus
from lstm_sentiment.text.corpus.label_names import known_names
from lstm_sentiment.training.evaluation.metrics import Evaluation
from lstm_sentiment.versions.labelled_answers import predict_corpus

if TYPE_CHECKING:
    from lstm_sentiment.training.fit_result import FitResult


@dataclass
class Trained:
    """A classifier in memory, in a version, or both.

    Attributes:
        classes: The labels and their names, in the order of scikit-learn.
        result: The result of the training; `None` if the classifier was loaded.
        kept: The version; `None` before the first export.
    """

    classes: Classes
    result: "FitResult | None" = None
    kept: KeptVersion | None = None

    @property
    def label_names(self) -> tuple[str, ...]:
        """Names of the classes in the order of the model's outputs."""
        if self.result is not None:
            return self.result.label_names
        return self.version().predictor.label_names

    def probabilities(self, texts: list[str]) -> NDArray[np.float64]:
        """Returns the probabilities of `classes`, `(texts, classes)`."""
        if not texts:
            raise InvalidInputError("There must be at least one text. Received: none.")
        source = self.version() if self.result is None else self.result
        names = self.label_names
        return source.probabilities(texts)[:, [names.index(name) for name in self.classes.names]]

    def right(self, texts: list[str], names: Sequence[str]) -> list[bool]:
        """Returns of each text whether its label is predicted; labels are compared by name."""
        known = known_names(names, self.classes.names)
        predicted = self.probabilities(texts).argmax(axis=1)
        return [
            known.get(name) == self.classes.names[place]
            for name, place in zip(names, predicted, strict=True)
        ]

    def evaluate(self, texts: list[str], names: Sequence[str]) -> Evaluation:
        """Scores the classifier on texts whose labels have these names."""
        corpus = Corpus.from_rows(list(zip(texts, names, strict=True)), self.label_names)
        if self.result is not None:
            return self.result.evaluate(corpus)
        return predict_corpus(self.version().predictor, corpus).evaluation()

    def version(self) -> KeptVersion:
        """Returns the version, which is first exported to a temporary folder if there is none."""
        if self.kept is None:
            with train_imports("the export"):
                from lstm_sentiment.export.servable import export_servable
            result = self.result
            assert result is not None
            self.kept = KeptVersion.written(lambda base: export_servable(result, base))
        return self.kept

    def write(
        self,
        base_path: str | os.PathLike[str],
        version: int | None,
        when_written: Callable[[Path], None],
        display_names: GivenNames | None = None,
    ) -> Path:
        """Writes the next version under a base path: see `export_servable`."""
        with train_imports("the export"):
            from lstm_sentiment.export.servable import export_servable, publish

        if self.result is not None:
            return export_servable(
                self.result,
                base_path,
                version=version,
                display_names=display_names,
                when_written=when_written,
            )
        kept = self.version()
        names = None if display_names is None else as_display_names(display_names)
        if names is not None:
            names.check_labels(self.label_names, "`display_names`")

        def write(folder: Path) -> None:
            kept.copy_to(folder)
            if names is not None:
                replace_display_names(names, folder)
            when_written(folder)

        return publish(Path(base_path), write, version)

    def __getstate__(self) -> dict[str, object]:
        """Returns the version in the place of the Keras model."""
        self.version()
        return vars(replace(self, result=None))
