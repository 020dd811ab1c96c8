"""Tokenizers as the light engine loads them, and texts on which versions of Unicode differ."""

import tempfile
from pathlib import Path

from hypothesis import strategies as st

from lstm_sentiment.export.light.tokenizer_files import write_tokenizer
from lstm_sentiment.serving.light.tokenization.tokenizer import LightTokenizer, load_tokenizer
from lstm_sentiment.text.tokenizer import Tokenizer
from tests import strategies

ALL_CHARACTERS = [chr(code) for code in range(0x110000) if not 0xD800 <= code < 0xE000]
"""The 1,112,064 code points that UTF-8 can encode."""

# Newer than Unicode 13: of each kind what normalization does with them.
_NEW = "\u0897\u0c3c\u1acf\ua7f1\U00010781\U000105c9\U00011383\U00016d67\U00016d63\U0001e08f"
# Of all versions: marks of several classes, Hangul's letters, singletons, compatibility forms.
_OLD = "\u0301\u0323\u0334\u0345\u093c\u0f71\u1100\u1161\u11a8\u11a7가각ÅﾞﾊぱﬁⅧ①㎏ﷺ´\u00a8"
_FEW = "ea\u0897\u0301\u0323\u0334\U0001e08f\U00016d63\U00016d67\u1100\u1161"
_CASES = "ΑΣσςΌß'’.:\u00ad\u02b0\u0345İıIiǅẞ\ue000\U0001e08f"
_SYMBOLS = "ab1 '’,_\u200d\ufe0f😀👨👩👧👍🏽🇫🇷❤\u0903²Ⅷ\U00020000𝐀"

texts = st.one_of(
    strategies.any_texts.map(lambda text: text.encode("utf-8", "surrogatepass")),
    *(
        st.text(st.sampled_from(some), max_size=12).map(str.encode)
        for some in (_FEW, _NEW + _OLD, _CASES, _SYMBOLS, "房间很 \t\u3000\x85\x00,，Ａ" + _NEW)
    ),
    st.binary(max_size=12),
    st.lists(st.sampled_from(b"A\x80\x98\x9f\xa0\xbf\xc3\xe0\xed\xf0\xf5"), max_size=12).map(bytes),
)
"""Raw texts, some of them malformed."""


def light(tokenizer: Tokenizer) -> LightTokenizer:
    """The tokenizer without TensorFlow, from the files of a version."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        tokenizer.vocabulary.save(folder / "vocabulary.txt")
        options = write_tokenizer(tokenizer, folder)
        return load_tokenizer(folder, options, folder / "vocabulary.txt")
