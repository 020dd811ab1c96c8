import csv
import json
import random
import subprocess
import sys
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import sentencepiece
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from lstm_sentiment import Vocabulary, make_tokenizer
from lstm_sentiment.export.light.tokenizer_files import write_tokenizer
from lstm_sentiment.serving.errors import LightEngineRefusedError
from lstm_sentiment.serving.light.tokenization.tokenizer import LightTokenizer
from lstm_sentiment.text.tokenizer import Tokenizer
from tests import strategies
from tests.serving.light.light_tokenizers import ALL_CHARACTERS, light, texts

KINDS = ("unigram", "whitespace", "characters")
NORMALIZATIONS = ("none", "width", "nfkc")
MAX_LENGTH = 4
WORDS = ("房间", "很", "干净", "房", "好", "it", "'s", ",", "。", "a", "é", "😀", "1", "哈哈", "哈")


def assert_same(tokenizer: Tokenizer, light: LightTokenizer, raw: list[bytes]) -> None:
    """Checks that both tokenizers give the same ids, tokens and counts."""
    batch = tf.constant(raw, tf.string)
    ids = tokenizer(batch)
    assert [row.tolist() for row in light.encode(raw)] == ids.to_list()
    assert [row.tolist() for row in light.encode_tokens(raw)] == (
        tokenizer.from_tokens(batch).to_list()
    )
    tokens = tokenizer.segment(tokenizer.normalize(batch)).to_list()
    assert [[token.encode() for token in row] for row in light.tokenize(raw)] == tokens
    counted = light.statistics(raw, MAX_LENGTH)
    valid = tf.strings.unicode_transcode(batch, "UTF-8", "UTF-8")
    expected = {
        "num_characters": tf.strings.length(valid, unit="UTF8_CHAR").numpy(),
        "num_tokens": ids.row_lengths().numpy(),
        "num_truncated": np.maximum(ids.row_lengths().numpy() - MAX_LENGTH, 0),
        "num_oov": [row[:MAX_LENGTH].count(1) for row in ids.to_list()],
    }
    assert {name: counts.tolist() for name, counts in counted.items()} == {
        name: np.asarray(counts).tolist() for name, counts in expected.items()
    }
    assert {counts.dtype for counts in counted.values()} == {np.dtype(np.int32)}


@pytest.mark.parametrize(("kind", "normalization"), list(product(KINDS, NORMALIZATIONS)))
def test_every_code_point_is_cut_as_in_the_graph(kind: str, normalization: str) -> None:
    tokenizer = make_tokenizer(kind, Vocabulary(WORDS), normalization=normalization)
    raw = [
        " ".join(ALL_CHARACTERS[start : start + 2_000]).encode()
        for start in range(0, len(ALL_CHARACTERS), 2_000)
    ]
    in_graph = tokenizer.segment(tokenizer.normalize(tf.constant(raw)))
    lines = tf.strings.reduce_join(in_graph, axis=1, separator="\n").numpy()
    for line, tokens in zip(lines, light(tokenizer).tokenize(raw), strict=True):
        assert line.decode().split("\n") == tokens


@st.composite
def tokenizers(draw: st.DrawFn) -> Tokenizer:
    kind = draw(st.sampled_from(KINDS))
    known = draw(st.one_of(st.just([*WORDS]), strategies.odd_vocabularies))
    options: dict[str, Any] = {"normalization": draw(st.sampled_from(NORMALIZATIONS))}
    if kind == "unigram":
        options["unknown"] = draw(st.sampled_from(["run", "character"]))
        counts = st.dictionaries(strategies.tokens, st.sampled_from([1, 2, 3.5]), max_size=4)
        options["word_counts"] = draw(st.none() | counts)
    return make_tokenizer(kind, Vocabulary(dict.fromkeys([*known, "x"])), **options)


@given(tokenizer=tokenizers(), raw=st.lists(texts, min_size=1, max_size=8))
@settings(max_examples=60)
def test_any_text_gets_the_ids_tokens_and_counts_of_the_graph(
    tokenizer: Tokenizer, raw: list[bytes]
) -> None:
    counted = tokenizer.options().get("word_counts") or {}
    words = [word.encode() for word in [*tokenizer.vocabulary.tokens, *counted]]
    raw = [*raw, b"".join(raw), b"".join(words), b" ".join(words)]
    assert_same(tokenizer, light(tokenizer), raw)


@pytest.fixture(scope="module", params=KINDS)
def tokenizer(request: pytest.FixtureRequest) -> Tokenizer:
    return make_tokenizer(request.param, Vocabulary(WORDS))


@pytest.fixture(scope="module")
def light_tokenizer(tokenizer: Tokenizer) -> LightTokenizer:
    return light(tokenizer)


@given(raw=st.lists(texts, max_size=20))
@settings(max_examples=100)
def test_the_default_normalization_on_many_more_texts(
    tokenizer: Tokenizer, light_tokenizer: LightTokenizer, raw: list[bytes]
) -> None:
    assert_same(tokenizer, light_tokenizer, raw)


def test_real_reviews_get_the_ids_of_the_graph(
    tokenizer: Tokenizer, light_tokenizer: LightTokenizer, real_data: Path
) -> None:
    with (real_data / "hotel_reviews.csv").open(encoding="utf-8") as file:
        reviews = [row["review"] for row in csv.DictReader(file)][:2_000]
    assert_same(tokenizer, light_tokenizer, [review.encode() for review in reviews])


@pytest.mark.parametrize("unknown", ["run", "character"])
def test_near_ties_between_segmentations_end_as_in_the_graph(unknown: str) -> None:
    """Which of `哈 哈哈` and `哈哈 哈` wins is up to the rounding of sums of scores."""
    generator = random.Random(0)
    for alphabet in ("哈呵", "ab😀", "abcdz"):
        words = {
            "".join(generator.choices(alphabet[:-1], k=generator.randint(1, 4))) for _ in range(12)
        }
        counted = [*sorted(words)[::2], 2 * alphabet[:-1]]  # the last is not in the vocabulary
        counts = {word: generator.choice([1, 2, 4]) for word in counted}
        for word_counts in (None, counts):
            tokenizer = make_tokenizer(
                "unigram", Vocabulary(sorted(words)), unknown=unknown, word_counts=word_counts
            )
            raw = ["".join(generator.choices(alphabet, k=k)).encode() for k in range(1, 1_000, 7)]
            assert_same(tokenizer, light(tokenizer), raw)


@pytest.mark.parametrize(
    "unit", ["房间很好", "坏", "a\u0301\u0334", "\U0001e08f\u0334", "Σ'", "👍🏽", "𝐀a", " a "]
)
def test_long_texts(tokenizer: Tokenizer, light_tokenizer: LightTokenizer, unit: str) -> None:
    assert_same(tokenizer, light_tokenizer, [(unit * 20_000)[:20_000].encode()])


def test_newer_characters_compose_with_older_ones_as_in_the_graph(
    tokenizer: Tokenizer, light_tokenizer: LightTokenizer
) -> None:
    newer_mark = "\u0897"  # of class 230, as the acute accent is
    raw = [
        f"e{newer_mark}\u0301",
        f"e{newer_mark}\u0323\u0334\u0301",
        f"\u0301{newer_mark}\u0323",
        f"é{newer_mark}\u0323 ﬁ",
        f"\u1100\u1161{newer_mark}\u11a8",
        f"가\u11a8{newer_mark}",
        "\U000105d2\u0307 \U000105d2\u0334\u0307 \U000105d2\u0301\u0307",
        "\U00016d63\U00016d67\U00016d67 \U00016d69\U00016d67 \U00016d67\U00016d67",
        "\U0001e08fи\u0306",
    ]
    assert_same(tokenizer, light_tokenizer, [text.encode() for text in raw])


def test_many_marks_are_sorted_as_in_the_graph(
    tokenizer: Tokenizer, light_tokenizer: LightTokenizer
) -> None:
    marks = "a" + "\u0301\u0334\u0323" * 1_000
    assert_same(tokenizer, light_tokenizer, [marks.encode(), (marks + "\u0897é").encode()])


_WITHOUT_TENSORFLOW = """
import json, sys
from pathlib import Path
sys.modules["tensorflow"] = sys.modules["tensorflow_text"] = None
from lstm_sentiment.serving.light.tokenization.tokenizer import load_tokenizer
folder = Path(sys.argv[1])
options, texts = json.loads((folder / "options.json").read_text("utf-8"))
tokenizer = load_tokenizer(folder, options, folder / "vocabulary.txt")
print(json.dumps([row.tolist() for row in tokenizer.encode([t.encode() for t in texts])]))
"""


def test_a_process_without_tensorflow_gives_the_same_ids(
    tokenizer: Tokenizer, tmp_path: Path
) -> None:
    tokenizer.vocabulary.save(tmp_path / "vocabulary.txt")
    options = write_tokenizer(tokenizer, tmp_path)
    raw = ["房间很好", "", "It's 😀 ΟΔΟΣ", "e\u0897\u0301 \U00011382\U000113c9", "ＨＯＴＥＬ　１"]
    (tmp_path / "options.json").write_text(json.dumps([options, raw]), "utf-8")
    done = subprocess.run(
        [sys.executable, "-c", _WITHOUT_TENSORFLOW, str(tmp_path)],
        capture_output=True,
        text=True,
        check=True,
    )
    assert json.loads(done.stdout) == [tokenizer.encode(text) for text in raw]
    assert done.stderr == ""


def test_another_arithmetic_of_sentencepiece_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    tokenizer = make_tokenizer("unigram", Vocabulary(WORDS))
    monkeypatch.setattr(
        sentencepiece.SentencePieceProcessor, "encode", lambda *_, **__: ["a", "aa"]
    )
    with pytest.raises(LightEngineRefusedError, match=r"must be version 0\.2\.1"):
        light(tokenizer)
