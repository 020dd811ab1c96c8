"""The `tf.function` signatures of a version."""

from pathlib import Path
from typing import Any

import tensorflow as tf

from lstm_sentiment.errors import ExportError
from lstm_sentiment.export.explanation import make_attributions
from lstm_sentiment.export.inference_network import InferenceNetwork
from lstm_sentiment.model.sentiment_model import SentimentModel
from lstm_sentiment.text.graph_padding import pad_ragged, strip_padding
from lstm_sentiment.text.tokenizer import Tokenizer
from lstm_sentiment.unicode import has_controls
from lstm_sentiment.version_folder import (
    CLASSIFY,
    DEFAULT_SIGNATURE_KEY,
    EXPLAIN,
    IDS,
    LABELS,
    OOV_ID,
    PAD_ID,
    TEXT,
    TEXT_STATISTICS,
    TOKENS,
    VOCABULARY,
    DefaultSignature,
)

Tensors = dict[str, tf.Tensor]


class ServableModule(tf.Module):
    """Tokenizer, model and labels as one SavedModel, with a function for each signature.

    The same tokens get the same scores from every signature: padding is removed from ids, on either
    side, and every text keeps its first `max_length` tokens. All dimensions of an output but the
    batch are static: servers that join parts of a batch, as TensorFlow Serving does, take for
    granted that these are the same in each part.

    Attributes:
        network: The trained model, for inference.
        vocabulary_file: Copied to `assets/vocabulary.txt`: one token a line; line `n` has id `n +
            2`.
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
        default_signature: DefaultSignature = "ids",
    ) -> None:
        """Writes the asset files and copies the model.

        Args:
            model: Trained. Its weights are copied, so that the trace holds no GPU-only op and no
                variable that is spread over devices.
            tokenizer: The tokenizer that the model was trained with.
            label_names: The classes in id order, each on one line.
            assets_dir: An existing folder for the asset files.
            temperature: Divisor of the logits for `probabilities`: see `fit_temperature`.
            default_signature: `text` makes `serving_default` the same as `text`, for clients that
                cannot name a signature; token ids then have the signature `ids`.

        Raises:
            ExportError: If the number of names is not the model's number of classes, or a name
                occurs twice, is empty or has control characters.
        """
        super().__init__()
        is_right = len(label_names) == len(set(label_names)) == model.num_classes
        if not is_right or any(not name or has_controls(name) for name in label_names):
            raise ExportError(
                f"`label_names` must be {model.num_classes} different names, each on one line "
                f"without control characters. Received: {label_names!r}."
            )
        with tf.device("CPU:0"):
            twin = model.without_cudnn()
            self.network = InferenceNetwork(twin)
        self.tokenizer = tokenizer
        self.vocabulary_file = tf.saved_model.Asset(str(assets_dir / VOCABULARY.name))
        self.labels_file = tf.saved_model.Asset(str(assets_dir / LABELS.name))
        tokenizer.vocabulary.save(assets_dir / VOCABULARY.name)
        (assets_dir / LABELS.name).write_text("".join(f"{name}\n" for name in label_names), "utf-8")
        self._label_names = tf.constant(label_names)
        self._temperature = temperature
        self._default_signature = default_signature
        self._max_length = model.config.max_length
        self._attributions = make_attributions(
            twin, self.network.embedding.vectors, width=self._max_length
        )

    @tf.function(
        autograph=False,
        input_signature=[tf.TensorSpec([None, None], tf.int64, name="input_sentence")],
    )
    def serving_default(self, input_sentence: tf.Tensor) -> Tensors:
        """Scores token ids, as in the recipe that this package ports.

        Args:
            input_sentence: int64 `(batch, time)`, padded with 0 on either side.

        Returns:
            `predict_classification` int64 `(batch,)` and `predict_scores` float32 `(batch,
            classes)`: logits.
        """
        logits = self.network(self._on_the_left(input_sentence))
        return {
            "predict_classification": tf.argmax(logits, axis=1),
            "predict_scores": logits,
        }

    @tf.function(autograph=False, input_signature=[tf.TensorSpec([None], tf.string, name="text")])
    def text(self, text: tf.Tensor) -> Tensors:
        """Classifies raw texts: string `(batch,)`, UTF-8."""
        return self._answer(self.tokenizer(text))

    @tf.function(autograph=False, input_signature=[tf.TensorSpec([None], tf.string, name="tokens")])
    def tokens(self, tokens: tf.Tensor) -> Tensors:
        """Classifies texts whose tokens are separated by spaces: string `(batch,)`, UTF-8."""
        return self._answer(self.tokenizer.from_tokens(tokens))

    @tf.function(autograph=False, input_signature=[tf.TensorSpec([None], tf.string, name="inputs")])
    def classify(self, inputs: tf.Tensor) -> Tensors:
        """Classifies texts for TensorFlow Serving's Classify API.

        Args:
            inputs: string `(batch,)`: serialized `tf.Example`s with one raw UTF-8 text in the
                feature `text`.

        Returns:
            `classes` string `(batch, classes)`, the same in each row, and `scores` float32 `(batch,
            classes)`: their probabilities.
        """
        examples = tf.io.parse_example(inputs, {"text": tf.io.FixedLenFeature([], tf.string)})
        scores = self._answer(self.tokenizer(examples["text"]))["probabilities"]
        classes = tf.broadcast_to(self._label_names, tf.shape(scores))
        return {"classes": classes, "scores": scores}

    @tf.function(autograph=False, input_signature=[tf.TensorSpec([None], tf.string, name="text")])
    def explain(self, text: tf.Tensor) -> Tensors:
        """Attributes the label of each text to its tokens.

        Args:
            text: string `(batch,)`, raw UTF-8.

        Returns:
            `tokens` string `(batch, max_length)`, padded with empty ones, and `attributions`
            float32 `(batch, max_length)`, padded with 0: see `make_attributions`. `label` and
            `probabilities` as in `text`.
        """
        token_ids = pad_ragged(self.tokenizer(text), self._max_length)
        answer = self._answer_ids(token_ids)
        tokens = self.tokenizer.segment(self.tokenizer.normalize(text))
        return {
            "tokens": tokens.to_tensor(default_value="", shape=(None, self._max_length)),
            "attributions": self._attributions(token_ids, answer["classification"]),
            "label": answer["label"],
            "probabilities": answer["probabilities"],
        }

    @tf.function(autograph=False, input_signature=[tf.TensorSpec([None], tf.string, name="text")])
    def text_statistics(self, text: tf.Tensor) -> Tensors:
        """Counts characters and tokens of texts; runs only the tokenizer.

        Over many texts, `num_oov` divided by `num_tokens - num_truncated` is the OOV rate of
        evaluations: a text without a token counts as one unknown token.

        Args:
            text: string `(batch,)`, raw UTF-8.

        Returns:
            int32 `(batch,)` each: `num_characters`, Unicode code points; `num_tokens`;
            `num_truncated`, tokens beyond `max_length`, which the model does not read; `num_oov`,
            unknown tokens among those read.
        """
        token_ids = self.tokenizer(text)
        read = token_ids[:, : self._max_length]
        is_oov = read.with_values(tf.cast(read.values == OOV_ID, tf.int32))
        valid = tf.strings.unicode_transcode(text, "UTF-8", "UTF-8", errors="replace")
        num_tokens = tf.cast(token_ids.row_lengths(), tf.int32)
        return {
            "num_characters": tf.strings.length(valid, unit="UTF8_CHAR"),
            "num_tokens": num_tokens,
            "num_truncated": tf.maximum(num_tokens - self._max_length, 0),
            "num_oov": tf.reduce_sum(is_oov, axis=1),
        }

    def _on_the_left(self, token_ids: tf.Tensor) -> tf.Tensor:
        """Moves the real ids of each row to its start and keeps the first `max_length`.

        Returns int32 `(batch, time)`, padded on the right, with a real id in each row.
        """
        # With one more column of padding, each row has a first id.
        ids = tf.pad(self.network.known_ids(token_ids), [[0, 0], [0, 1]])
        real = ids != PAD_ID
        ids = tf.cond(
            tf.reduce_all(real[:, :-1] | ~real[:, 1:]),
            lambda: ids[:, : self._max_length],
            lambda: pad_ragged(strip_padding(ids), self._max_length),
        )
        # A row that begins with padding has no real id: it becomes `[OOV_ID]`.
        return tf.maximum(ids, tf.one_hot(0, tf.shape(ids)[1], OOV_ID, PAD_ID))

    def _answer(self, token_ids: tf.RaggedTensor) -> Tensors:
        return self._answer_ids(pad_ragged(token_ids, self._max_length))

    def _answer_ids(self, token_ids: tf.Tensor) -> Tensors:
        """Returns the outputs of `text` and `tokens` for ids padded on the right."""
        logits = self.network(token_ids)
        classification = tf.argmax(logits, axis=1)
        return {
            "label": tf.gather(self._label_names, classification),
            "classification": classification,
            "probabilities": tf.nn.softmax(logits / self._temperature),
        }

    def signatures(self) -> dict[str, Any]:
        """Returns the functions by signature key, for `tf.saved_model.save`."""
        by_default = (
            {DEFAULT_SIGNATURE_KEY: self.text, IDS: self.serving_default}
            if self._default_signature == "text"
            else {DEFAULT_SIGNATURE_KEY: self.serving_default}
        )
        return {
            **by_default,
            TEXT: self.text,
            TOKENS: self.tokens,
            CLASSIFY: self.classify,
            EXPLAIN: self.explain,
            TEXT_STATISTICS: self.text_statistics,
        }
