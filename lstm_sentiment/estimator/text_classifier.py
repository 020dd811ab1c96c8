"""A text classifier with the interface of scikit-learn."""

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.exceptions import NotFittedError

from lstm_sentiment.checks import train_imports
from lstm_sentiment.display_names import GivenNames
from lstm_sentiment.errors import InvalidInputError
from lstm_sentiment.estimator.classes import Classes
from lstm_sentiment.estimator.kept_version import KeptVersion, load_estimator, save_estimator
from lstm_sentiment.estimator.settings import KEYWORDS, config_of, seed_of
from lstm_sentiment.estimator.trained import Trained
from lstm_sentiment.model.config import ModelConfig
from lstm_sentiment.pipeline.config import PipelineConfig
from lstm_sentiment.serving.loading.options import Engine
from lstm_sentiment.text.corpus.corpus import Corpus
from lstm_sentiment.text.corpus.python_values import labels_of, texts_of
from lstm_sentiment.text.vectors.word_vectors import WordVectors
from lstm_sentiment.training.config import TrainingConfig
from lstm_sentiment.training.evaluation.metrics import Evaluation

if TYPE_CHECKING:
    from lstm_sentiment.predictions import Explanation


class TextClassifier(ClassifierMixin, BaseEstimator):
    """Classifies texts by an LSTM, with the interface of scikit-learn.

        classifier = TextClassifier(epochs=8).fit(frame["text"], frame["label"])
        classifier.predict(["房间很干净"])
        classifier.save("models/sentiment")

    It works in `cross_val_score`, `Pipeline` and `GridSearchCV`. It trains as the command `fit`
    does, with the same defaults, but has no test set: what `fit` is given is training set and dev
    set. With a few thousand texts or fewer, the default `cross_validation` trains several times;
    `cross_validation="off"` makes searches faster. A pickle holds the whole version, so it loads in
    another process and on another machine, and is as large as the version. Predictions may be
    made from several threads at once.

    Attributes:
        classes_: The labels in ascending order, of the type that `fit` was given; `predict` returns
            these. Strings after `load` of a version that the command line wrote.
        result_: The `FitResult`, with the Keras model and the scores on the dev set; `None` after
            `load` and after unpickling.
    """

    def __init__(
        self,
        *,
        epochs: Any = TrainingConfig.epochs,
        batch_size: Any = TrainingConfig.batch_size,
        learning_rate: float = TrainingConfig.learning_rate,
        patience: Any = TrainingConfig.patience,
        class_weights: str = TrainingConfig.class_weights,
        cross_validation: Any = TrainingConfig.cross_validation,
        lstm_units: int = ModelConfig.lstm_units,
        dropout: float = ModelConfig.dropout,
        max_length: int = ModelConfig.max_length,
        tokenizer: str = PipelineConfig.tokenizer,
        vectors: str | os.PathLike[str] | WordVectors | None = None,
        dev_fraction: float = 0.1,
        preset: str | None = None,
        settings: Mapping[str, Any] | None = None,
        random_state: Any = 0,
    ) -> None:
        """Keeps the parameters, which `fit` checks.

        Args:
            epochs: Largest number of passes over the training texts, or `auto`.
            batch_size: Texts in one training step, or `auto`.
            learning_rate: Peak learning rate of Adam.
            patience: Epochs without a lower dev loss after which training stops, or `auto`.
            class_weights: `balanced` gives all classes the same weight, `none` all texts; `auto`
                chooses.
            cross_validation: Number of folds of the cross-validation inside `fit`, `off`, or `auto`
                for one with few texts: see `TrainingConfig`.
            lstm_units: Width of each LSTM direction.
            dropout: Share of the pooled vector that is dropped in training.
            max_length: Tokens kept of each text, from the front.
            tokenizer: `auto`, `unigram`, `whitespace` or `characters`.
            vectors: Pretrained word vectors: `WordVectors`, or a file or package as in
                `load_word_vectors`. `None` trains them on the texts.
            dev_fraction: Share of the texts that are not trained on and decide when to stop.
            preset: `fast` or `accurate`; `None` takes the defaults.
            settings: Any other setting of model, training, word vectors and tokenizer by its name
                in `docs/configuration.md`, such as `{"pooling": "max"}`.
            random_state: Seed of the split, the word vectors and the training; `None` draws one.
        """
        self.epochs = epochs
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.patience = patience
        self.class_weights = class_weights
        self.cross_validation = cross_validation
        self.lstm_units = lstm_units
        self.dropout = dropout
        self.max_length = max_length
        self.tokenizer = tokenizer
        self.vectors = vectors
        self.dev_fraction = dev_fraction
        self.preset = preset
        self.settings = settings
        self.random_state = random_state

    def fit(self, X: Iterable[Any], y: Iterable[Any]) -> "TextClassifier":
        """Trains on labelled texts.

        Seeds the global random generators of Python, NumPy and TensorFlow.

        Args:
            X: The texts: a list, a generator, an array, a column of a pandas or Polars frame. None
                may be missing; empty texts and repetitions are left out.
            y: A label for each text, of any type; a version names it by its `str`.

        Returns:
            This classifier.

        Raises:
            InvalidInputError: If a parameter, a text or a label breaks its rule; the message has
                the number of the row, counted from 0. It is a `ValueError`.
            TrainingError: If the loss is not finite.
        """
        if y is None:
            raise InvalidInputError(
                "There must be a label for each text: TextClassifier requires y to be passed, but "
                "the target y is None."
            )
        config = self._config()
        classes, names = Classes.of(y)
        rows = list(zip(_labelled(X, names), names, strict=True))
        with train_imports():
            from lstm_sentiment.pipeline.in_memory import fit_corpus
        result = fit_corpus(
            config,
            Corpus.from_rows(rows, classes.names),
            vectors=self.vectors if isinstance(self.vectors, WordVectors) else None,
            dev_fraction=self.dev_fraction,
        )
        self._become(Trained(classes, result))
        return self

    def predict(self, X: Iterable[Any]) -> NDArray[Any]:
        """Returns the most probable label of each text, of the type of `classes_`.

        Raises:
            NotFittedError: If the classifier is not trained.
            InvalidInputError: If there is no text, or one is missing; the message has its row.
        """
        probabilities = self.predict_proba(X)
        return self.classes_[probabilities.argmax(axis=1)]

    def predict_proba(self, X: Iterable[Any]) -> NDArray[np.float64]:
        """Returns the probabilities of `classes_`, `(texts, classes)`.

        The errors are those of `predict`.
        """
        return self._fitted().probabilities(texts_of(X))

    def score(self, X: Iterable[Any], y: Iterable[Any], sample_weight: Any = None) -> float:
        """Returns the share of texts whose label is predicted.

        Labels are compared by name, so that `1` and `"1"` are equal.

        Args:
            X: The texts, as in `fit`.
            y: A label for each text.
            sample_weight: A weight for each text; `None` gives all the same.

        Raises:
            NotFittedError: If the classifier is not trained.
            InvalidInputError: If a text or a label is missing, or the numbers differ.
        """
        trained, names = self._fitted(), labels_of(y)
        right = trained.right(_labelled(X, names), names)
        return float(np.average(right, weights=sample_weight))

    def evaluate(self, texts: Iterable[Any], labels: Iterable[Any]) -> Evaluation:
        """Scores the classifier on labelled texts.

        Args:
            texts: Texts that the classifier has not learned.
            labels: One for each text, among `classes_`.

        Returns:
            Accuracy with its 95 % interval, macro-F1, the scores of each class, the confusion
            matrix and the calibration error.

        Raises:
            NotFittedError: If the classifier is not trained.
            InvalidInputError: If a text or a label is missing or unknown, or the numbers differ.
        """
        trained, names = self._fitted(), labels_of(labels)
        return trained.evaluate(_labelled(texts, names), names)

    def explain(self, texts: Iterable[Any]) -> "list[Explanation]":
        """Returns the label of each text, with the weight of each of its tokens.

        The first call after `fit` exports the classifier to a temporary folder, which takes
        seconds.

        Raises:
            NotFittedError: If the classifier is not trained.
            InvalidInputError: If there is no text, or one is missing; the message has its row.
        """
        return self._fitted().version().explain(texts_of(texts))

    def save(
        self,
        base_path: str | os.PathLike[str],
        *,
        version: int | None = None,
        display_names: GivenNames | None = None,
    ) -> Path:
        """Writes the next version under a base path, the folder of a model's versions.

        The version is that of `export_servable`: `serve`, TensorFlow Serving and `load` take it.

        Args:
            base_path: The folder; made if missing.
            version: A number without a version; `None` is the highest number there plus one.
            display_names: What people see in the place of labels, by label and language, as in
                `{0: {"en": "negative", "zh": "差评"}}`. `None` keeps those of the version that was
                loaded, if it has any.

        Returns:
            The version's folder.

        Raises:
            NotFittedError: If the classifier is not trained.
            ExportError: If the version cannot be written.
            InvalidInputError: If a display name breaks a rule, or is for a label that the
                classifier does not have.
        """
        return self._fitted().write(base_path, version, self._save_parameters, display_names)

    @classmethod
    def load(cls, path: str | os.PathLike[str], *, engine: Engine = "auto") -> "TextClassifier":
        """Loads a version that `save`, `export_servable` or the command `fit` wrote.

        The light engine, which `auto` takes where the version has a light twin, imports no
        TensorFlow. A version that `save` wrote has its parameters and types of labels again.

        Args:
            path: A version's folder, or a base path, whose highest version is used.
            engine: As in `serve`: `auto`, `light` or `tensorflow`.

        Raises:
            ServableNotFoundError: If there is no version.
            ServableUnavailableError: If the version cannot be loaded.
            InvalidInputError: If a file of the version is damaged.
        """
        kept = KeptVersion.found(path, engine)
        names = kept.predictor.label_names
        saved = load_estimator(kept.folder, names)
        if saved is None:
            classifier, classes = cls(), Classes.of_version(names)
        else:
            parameters, classes = saved
            known = set(cls().get_params(deep=False))
            classifier = cls(**{name: parameters[name] for name in known & parameters.keys()})
        classifier._become(Trained(classes, kept=kept))
        return classifier

    def __sklearn_is_fitted__(self) -> bool:
        """Returns whether the classifier is trained or loaded."""
        return hasattr(self, "classes_")

    def __sklearn_tags__(self) -> Any:
        """Returns scikit-learn's tags: the input is a list of strings."""
        tags = super().__sklearn_tags__()
        tags.input_tags.two_d_array = False
        tags.input_tags.one_d_array = True
        tags.input_tags.string = True
        return tags

    def __getstate__(self) -> dict[str, Any]:
        """Returns the parameters, and the version in the place of the Keras model."""
        fitted = {"result_": None} if self.__sklearn_is_fitted__() else {}
        return {**super().__getstate__(), **fitted}

    def _config(self) -> PipelineConfig:
        keywords = {name: getattr(self, name) for name in KEYWORDS}
        config = config_of(keywords, self.preset, self.settings, seed_of(self.random_state))
        if self.vectors is None or isinstance(self.vectors, WordVectors):
            return config
        return replace(config, vectors=self.vectors)

    def _become(self, trained: Trained) -> None:
        self.classes_ = trained.classes.labels
        self.result_ = trained.result
        self._trained = trained

    def _fitted(self) -> Trained:
        if not self.__sklearn_is_fitted__():
            raise NotFittedError(
                "This TextClassifier is not fitted yet: call `fit`, or `TextClassifier.load`."
            )
        return self._trained

    def _save_parameters(self, folder: Path) -> None:
        parameters = self.get_params(deep=False)
        if isinstance(self.vectors, os.PathLike):
            parameters["vectors"] = os.fspath(self.vectors)
        save_estimator(folder, parameters, self._trained.classes)


def _labelled(texts: Iterable[Any], names: Sequence[str]) -> list[str]:
    """Returns the texts, one for each label."""
    listed = texts_of(texts)
    if len(listed) != len(names):
        raise InvalidInputError(
            "There must be as many labels as texts. "
            f"Received: {len(listed)} texts, {len(names)} labels."
        )
    return listed
