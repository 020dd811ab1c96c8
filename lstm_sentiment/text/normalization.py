"""Unicode normalization, the first step of every tokenizer."""

import tensorflow as tf
from tensorflow_text import normalize_utf8

from lstm_sentiment.text.tokenizer_options import Normalization
from lstm_sentiment.unicode import WIDTH_FORMS, ordinary_width


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
    table = tf.constant([ordinary_width(code) for code in WIDTH_FORMS])
    characters = tf.strings.unicode_decode(texts, "UTF-8")
    codes = characters.flat_values
    position = tf.clip_by_value(codes - WIDTH_FORMS.start, 0, len(WIDTH_FORMS) - 1)
    is_form = (codes >= WIDTH_FORMS.start) & (codes < WIDTH_FORMS.stop)
    folded = tf.where(is_form, tf.gather(table, position), codes)
    return tf.strings.unicode_encode(characters.with_flat_values(folded), "UTF-8")
