"""Tokenizing of all texts before training."""

import hashlib
import os
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import tensorflow as tf

from lstm_sentiment.progress import SILENT, Progress
from lstm_sentiment.text.corpus.duplicates import exact_digests
from lstm_sentiment.text.corpus.file_texts import FileTexts
from lstm_sentiment.text.tokenizer import Tokenizer
from lstm_sentiment.training.inputs.token_rows import TokenRows, save_token_rows, token_rows

MANY_TEXTS = 5_000
"""Fewer texts are tokenized so soon that no progress need be shown."""

_TEXTS_AT_ONCE = 2_000


def encode_texts(
    tokenizer: Tokenizer,
    texts: Sequence[str],
    *,
    max_length: int | None = None,
    cache_dir: str | os.PathLike[str] | None = None,
    name: str = "texts",
    progress: Progress = SILENT,
) -> TokenRows:
    """Tokenizes many texts.

    Args:
        tokenizer: The tokenizer that is served with the model.
        texts: Valid Unicode, as a `Corpus` holds it. Must not be empty.
        max_length: Largest number of tokens kept of each text; `None` keeps all.
        cache_dir: Folder that keeps the ids on disk, by the hash of tokenizer and texts, for later
            calls. `None` keeps them in memory.
        name: Of the texts, for the step's description.
        progress: Receives one step, counted in texts.

    Returns:
        The ids, at least one a text.

    Raises:
        OSError: If `cache_dir` cannot be written.
    """
    order = None
    if isinstance(texts, FileTexts):
        # Files are read from front to back, whatever the order of the texts.
        order = texts.reading_order()
        texts = texts.select(order)
    parts = _tokenize(tokenizer, texts, max_length, name, progress)
    if cache_dir is None:
        rows = token_rows(parts)
    else:
        folder = Path(cache_dir) / f"token-ids-{_fingerprint(tokenizer, texts, max_length)}"
        rows = _kept(folder, parts, name, progress)
    return rows if order is None else rows.select(np.argsort(order))


def _kept(
    folder: Path, parts: Iterator[tf.RaggedTensor], name: str, progress: Progress
) -> TokenRows:
    """Returns the rows in `folder`, computed anew where they are missing or damaged."""
    try:
        rows = TokenRows.load(folder)
    except FileNotFoundError:
        pass
    except (OSError, EOFError, ValueError):
        progress.say(f"Token ids: {folder} is damaged or of an earlier release, it is made again")
    else:
        progress.say(f"Token ids of {name}: taken from {folder}")
        return rows
    return save_token_rows((token_rows([part]) for part in parts), folder)


def _tokenize(
    tokenizer: Tokenizer,
    texts: Sequence[str],
    max_length: int | None,
    name: str,
    progress: Progress,
) -> Iterator[tf.RaggedTensor]:
    with progress.step(f"Tokenizing {name}", len(texts)) as advance:
        for start in range(0, len(texts), _TEXTS_AT_ONCE):
            part = texts[start : start + _TEXTS_AT_ONCE]
            ids = tokenizer(tf.constant(list(part)))
            yield ids if max_length is None else ids[:, :max_length]
            advance(len(part))


def _fingerprint(tokenizer: Tokenizer, texts: Sequence[str], max_length: int | None) -> str:
    digest = hashlib.sha256(f"{tokenizer.fingerprint()} {max_length}".encode())
    # Texts in files have known digests: no file is read.
    digest.update(exact_digests(texts).astype("<u8").data)
    return digest.hexdigest()[:16]
