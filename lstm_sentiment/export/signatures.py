"""What a version can be asked: its `tf.function` signatures."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import tensorflow as tf

from lstm_sentiment.errors import ExportError
from lstm_sentiment.model.sentiment_model import SentimentModel
from lstm_sentiment.text.padding import pad_ragged, strip_padding
from lstm_sentiment.text.tokenizer import Tokenizer

Tensors = dict[str, tf.Tensor]


class ServableModule(tf.Module):
    """Tokenizer, model and labels as one SavedModel, with an explicit function for each question.

    Whichever signature is asked, the same tokens get the same scores: ids lose all padding first,
    wherever it stands, and every text keeps its first `max_length` tokens.

    Attributes:
        weights: The model's raw variables. Keras wraps each of its variables, and the C++ server
            restores only those that hang on the saved object itself.
        vocabulary_file: Copied to `assets/vocabulary.txt`: one token a line, line `n` has id
            `n + 2`.
        labels_file: Copied to `assets/labels.txt`: one class a line, in id order.
    """

    def __init__(
        self,
        model: SentimentModel,
        tokenizer: Tokenizer,
        label_names: tuple[str, ...],
        assets_dir: Path,
        *,
        temperature: float = 1.0,
    ) -> None:
        """Writes the asset files and gathers what the signatures need.

        Args:
            model: Trained. Its weights are copied, so that the trace holds no GPU-only op and no
                variable that is spread over devices.
            tokenizer: What the model was trained with.
            label_names: The classes in id order, each on one line.
            assets_dir: An existing folder to write the asset files to.
            temperature: What logits are divided by to give `probabilities`: see `fit_temperature`.

        Raises:
            ExportError: If the number of names is not the model's number of classes, or a name
                holds a line break.
        """
        super().__init__()
        if len(label_names) != model.num_classes or any(
            len(name.splitlines()) != 1 for name in label_names
        ):
            raise ExportError(
                f"`label_names` must be {model.num_classes} names, each on one line. "
                f"Received: {label_names!r}."
            )
        with tf.device("CPU:0"):
            network = model.without_cudnn()
        self.weights = [variable.value for variable in network.variables]
        self.tokenizer = tokenizer
        self.vocabulary_file = tf.saved_model.Asset(str(assets_dir / "vocabulary.txt"))
        self.labels_file = tf.saved_model.Asset(str(assets_dir / "labels.txt"))
        tokenizer.vocabulary.save(assets_dir / "vocabulary.txt")
        (assets_dir / "labels.txt").write_text(
            "".join(f"{name}\n" for name in label_names), "utf-8"
        )
        self._label_names = tf.constant(label_names)
        self._temperature = temperature
        self._logits = _scorer(network, model.config.max_length)

    @tf.function(input_signature=[tf.TensorSpec([None, None], tf.int64, name="input_sentence")])
    def serving_default(self, input_sentence: tf.Tensor) -> Tensors:
        """Scores token ids, as the recipe that this package ports does.

        Args:
            input_sentence: int64 `(batch, time)`, padded with 0 on either side.

        Returns:
            `predict_classification` int64 `(batch,)` and `predict_scores` float32
            `(batch, classes)`: logits.
        """
        logits = self._logits(strip_padding(input_sentence))
        return {
            "predict_classification": tf.argmax(logits, axis=1),
            "predict_scores": logits,
        }

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, name="text")])
    def text(self, text: tf.Tensor) -> Tensors:
        """Classifies raw texts: string `(batch,)`, UTF-8."""
        return self._classify(self.tokenizer(text))

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, name="tokens")])
    def tokens(self, tokens: tf.Tensor) -> Tensors:
        """Classifies texts whose tokens are separated by spaces: string `(batch,)`, UTF-8."""
        return self._classify(self.tokenizer.from_tokens(tokens))

    def _classify(self, token_ids: tf.RaggedTensor) -> Tensors:
        """The answer to `text` and `tokens`.

        Returns:
            `label` string `(batch,)`, `classification` int64 `(batch,)` and `probabilities`
            float32 `(batch, classes)`.
        """
        logits = self._logits(token_ids)
        classification = tf.argmax(logits, axis=1)
        return {
            "label": tf.gather(self._label_names, classification),
            "classification": classification,
            "probabilities": tf.nn.softmax(logits / self._temperature),
        }

    def signatures(self) -> dict[str, Any]:
        """The functions by signature key, as `tf.saved_model.save` takes them."""
        return {
            "serving_default": self.serving_default,
            "text": self.text,
            "tokens": self.tokens,
        }


def _scorer(model: SentimentModel, max_length: int) -> Callable[[tf.RaggedTensor], tf.Tensor]:
    """Ragged ids to logits. A closure: as an attribute, the Keras model itself would be saved."""

    def score(token_ids: tf.RaggedTensor) -> tf.Tensor:
        return model(pad_ragged(token_ids, max_length), training=False)

    return score
