"""A training run: the arguments of `fit` in one object that each part of training uses."""

import json
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path

from lstm_sentiment.drift.reference import DriftReference
from lstm_sentiment.errors import InvalidInputError
from lstm_sentiment.memory import MemoryPart, check_memory
from lstm_sentiment.model.config import ModelConfig
from lstm_sentiment.model.memory import network_memory
from lstm_sentiment.progress import SILENT, Progress
from lstm_sentiment.text.corpus.corpus import Corpus
from lstm_sentiment.text.corpus.soft_labels import SoftLabels
from lstm_sentiment.text.tokenizer import Tokenizer
from lstm_sentiment.text.vectors.word_vectors import WordVectors
from lstm_sentiment.training.budget import budget_for
from lstm_sentiment.training.config import SnapshotEvery, TrainingConfig
from lstm_sentiment.training.fit_result import FitResult
from lstm_sentiment.training.inputs.encoding import encode_texts
from lstm_sentiment.training.inputs.token_rows import TokenRows
from lstm_sentiment.training.records.tensorboard import require_tensorboard
from lstm_sentiment.training.warm_start import StartWeights

# Estimates of the length of texts in tokens, which is not known before they are tokenized.
_TEXTS_MEASURED, _CHARACTERS_OF_A_TOKEN = 1_000, 6

OnEpoch = Callable[[int, Mapping[str, float]], None]
"""Called with the number of the epoch just ended, from 1, and its scores by name."""


@dataclass(frozen=True)
class TrainingOrders:
    """The settings that the chief sends to the other workers.

    Attributes:
        training: Settings of training.
        folder: The run's folder, shared by all workers; `None` writes no files.
        resume: Continues from the checkpoint in `folder`, if there is one.
        tensorboard: Writes TensorBoard logs.
    """

    training: TrainingConfig
    folder: Path | None
    resume: bool
    tensorboard: bool

    def to_json(self) -> str:
        """Returns the orders as JSON; the folder's path becomes absolute."""
        return json.dumps({**asdict(self), "folder": str(Path(self.folder or "").absolute())})

    @classmethod
    def from_json(cls, text: str) -> "TrainingOrders":
        """Reads orders written by `to_json`."""
        facts = json.loads(text)
        return cls(
            TrainingConfig(**facts["training"]),
            Path(facts["folder"]),
            facts["resume"],
            facts["tensorboard"],
        )


@dataclass(frozen=True, kw_only=True)
class TrainingRun:
    """The arguments of one call of `fit`, under their names there.

    `orders` holds the arguments that all workers must agree on.
    """

    orders: TrainingOrders
    train: Corpus
    dev: Corpus
    tokenizer: Tokenizer
    vectors: WordVectors | None
    model: ModelConfig
    start: StartWeights | None
    soft_labels: SoftLabels | None
    cache_dir: str | os.PathLike[str] | None
    on_epoch: OnEpoch | None
    snapshots: SnapshotEvery | None
    on_snapshot: Callable[[FitResult], None] | None
    progress: Progress

    def check(self) -> None:
        """Checks arguments that depend on each other, before the texts are tokenized.

        Raises:
            InvalidInputError: If there are fewer than two classes, the dev texts are missing or
                have other classes, or an argument lacks another.
        """
        train, dev, orders = self.train, self.dev, self.orders
        train.require_classes()
        if len(dev) == 0 or dev.label_names != train.label_names:
            raise InvalidInputError(
                "`dev` must hold texts and have the classes of `train`, in the same order. "
                f"Received: {len(dev)} texts of {', '.join(dev.label_names)}."
            )
        if self.soft_labels is not None and self.soft_labels.label_names != train.label_names:
            raise InvalidInputError(
                "`soft_labels` must have the classes of `train`, in the same order. "
                f"Received: {', '.join(self.soft_labels.label_names)}."
            )
        if orders.folder is None and (orders.resume or orders.tensorboard):
            raise InvalidInputError("`run_dir` must be given with `resume` and with `tensorboard`.")
        if orders.tensorboard:
            require_tensorboard()
        check_memory("The network", self._memory())

    def _memory(self) -> list[MemoryPart]:
        """Returns what training takes at the least, with batches of texts of average length."""
        training, most = self.orders.training, self.model.max_length
        some = self.train.texts[:_TEXTS_MEASURED]
        lengths = sum(min(most, len(text) // _CHARACTERS_OF_A_TOKEN + 1) for text in some)
        batch = min(budget_for(training, len(self.train)).batch_size, len(self.train))
        vectors = self.vectors
        return network_memory(
            self.model,
            embedding_dim=1 if vectors is None else vectors.matrix.shape[1],
            vocabulary_size=len(self.tokenizer.vocabulary.tokens),
            batch_tokens=batch * lengths // len(some),
            replicas=training.logical_devices or 1,
        )

    @cached_property
    def drift_reference(self) -> DriftReference:
        """Lengths and words of the training and dev texts."""
        return DriftReference.of_texts((self.train.texts, self.dev.texts), self.train.label_names)

    def encode(
        self, texts: Sequence[str], name: str = "texts", progress: Progress = SILENT
    ) -> TokenRows:
        """Returns the token ids of texts, cut to the model's `max_length`."""
        return encode_texts(
            self.tokenizer,
            texts,
            max_length=self.model.max_length,
            cache_dir=self.cache_dir,
            name=name,
            progress=progress,
        )
