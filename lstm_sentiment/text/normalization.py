"""Unicode normalization, the first step of every tokenizer."""

import unicodedata

import tensorflow as tf
from tensorflow_text import normalize_utf8

from lstm_sentiment.text.tokenizer_options import Normalization

_WIDTH_FORMS = range(0xFF00, 0xFFF0)
"""Unicode's block "Halfwidth and Fullwidth Forms"."""


def normalize_texts(texts: tf.Tensor, normalization: Normalization) -> tf.Tensor:
    """Converts texts to valid UTF-8 with single spaces and normalizes their characters.

    | `normalization` | effect | `ＡＢＣ１２３，ｶﾞ…①ﬁ` becomes |
    |---|---|---|
    | `none` | no further change | `ＡＢＣ１２３，ｶﾞ…①ﬁ` |
    | `width` | full- and half-width forms become ordinary characters; then NFC | `ABC123,ガ…①ﬁ` |
    | `nfkc` | Unicode's compatibility composition | `ABC123,ガ...1fi` |

    Source: Unicode Standard Annex 15 (https://unicode.org/reports/tr15/).

    Args:
        texts: string `(batch,)`, UTF-8; malformed bytes become U+FFFD.
        normalization: A row of the table.

    Returns:
        string `(batch,)`; each run of whitespace and control characters is one space.
    """
    texts = tf.strings.unicode_transcode(texts, "UTF-8", "UTF-8", errors="replace")
    if normalization == "width":
        texts = normalize_utf8(_fold_width(texts), "NFC")
    elif normalization == "nfkc":
        texts = normalize_utf8(texts, "NFKC")
    return tf.strings.regex_replace(texts, r"[\s\p{Z}\p{Cc}]+", " ")


def _fold_width(texts: tf.Tensor) -> tf.Tensor:
    """Replaces full- and half-width forms by the ordinary characters."""
    table = tf.constant([_usual_width(code) for code in _WIDTH_FORMS])
    characters = tf.strings.unicode_decode(texts, "UTF-8")
    codes = characters.flat_values
    position = tf.clip_by_value(codes - _WIDTH_FORMS.start, 0, len(_WIDTH_FORMS) - 1)
    is_form = (codes >= _WIDTH_FORMS.start) & (codes < _WIDTH_FORMS.stop)
    folded = tf.where(is_form, tf.gather(table, position), codes)
    return tf.strings.unicode_encode(characters.with_flat_values(folded), "UTF-8")


def _usual_width(code: int) -> int:
    """Returns the ordinary code point of a full- or half-width form."""
    kind, _, usual = unicodedata.decomposition(chr(code)).partition(" ")
    return int(usual, 16) if kind in ("<wide>", "<narrow>") else code
