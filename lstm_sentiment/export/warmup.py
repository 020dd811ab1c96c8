"""Warmup requests: a model server sends them to a version before the version is available.

Their format is TensorFlow Serving's: `tensorflow_serving/apis/prediction_log.proto`, read by
`servables/tensorflow/saved_model_warmup_util.h`.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

from lstm_sentiment.export.inference_network import ROWS
from lstm_sentiment.protocol.prediction_log_pb2 import PredictionLog
from lstm_sentiment.protocol.tensors import write_tensor
from lstm_sentiment.text.padding import pad_token_ids
from lstm_sentiment.text.tokenizer import Tokenizer
from lstm_sentiment.text.vocabulary import NUM_SPECIAL_IDS
from lstm_sentiment.version_folder import (
    CLASSIFY,
    DEFAULT_SIGNATURE_KEY,
    EXPLAIN,
    IDS,
    TEXT,
    TEXT_STATISTICS,
    TOKENS,
)

_SHORT = 8
_LARGE_BATCHES = (2 * ROWS[-1], 4 * ROWS[-1], 4 * ROWS[-1] + 1)


def save_warmup_requests(
    path: Path, tokenizer: Tokenizer, max_length: int, ids_key: str = DEFAULT_SIGNATURE_KEY
) -> None:
    """Writes a request for every path through the graph.

    Each signature of the model gets a short text, one of `max_length` tokens and a batch; `text`
    gets every number of texts that is computed at once, so that a server with XLA compiles them
    all; `text_statistics` gets a batch. The texts consist of words of the vocabulary, and hold no
    user's text. `ids_key` is the signature of token ids.
    """
    ids = [
        NUM_SPECIAL_IDS + place % len(tokenizer.vocabulary.tokens) for place in range(max_length)
    ]
    short, long = ids[:_SHORT], ids
    mixed = [short, long] * (ROWS[-1] // 2)
    batches = {TEXT: [[short], [long], *([short] * rows for rows in (*ROWS[1:], *_LARGE_BATCHES))]}
    with tf.io.TFRecordWriter(str(path)) as file:
        for signature in (TEXT, TOKENS, ids_key, CLASSIFY):
            for rows in batches.get(signature, [[short], [long], mixed]):
                file.write(_request(signature, rows, tokenizer).SerializeToString())
        for rows in ([short], [long]):
            file.write(_request(EXPLAIN, rows, tokenizer).SerializeToString())
        file.write(_request(TEXT_STATISTICS, mixed, tokenizer).SerializeToString())


def _request(signature: str, rows: list[list[int]], tokenizer: Tokenizer) -> PredictionLog:
    """Makes one record: a request to a signature, for the texts whose ids are `rows`."""
    log = PredictionLog()
    texts = list(_texts(rows, " " if signature == "tokens" else tokenizer.joiner, tokenizer))
    if signature == "classify":
        request: Any = log.classify_log.request
        for text in texts:
            example = request.input.example_list.examples.add()
            example.features.feature["text"].bytes_list.value.append(text.encode())
    else:
        request = log.predict_log.request
        name, values = signature if signature == "tokens" else "text", np.array(texts)
        if signature in (DEFAULT_SIGNATURE_KEY, IDS):
            padded = pad_token_ids(rows, max(map(len, rows)))
            name, values = "input_sentence", padded.astype(np.int64)
        write_tensor(values, request.inputs[name])
    request.model_spec.signature_name = signature
    return log


def _texts(rows: list[list[int]], joiner: str, tokenizer: Tokenizer) -> Iterator[str]:
    tokens = tokenizer.vocabulary.tokens
    for row in rows:
        yield joiner.join(tokens[token_id - NUM_SPECIAL_IDS] for token_id in row)
