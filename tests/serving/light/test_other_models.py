"""The light engine answers as the graph for other models, other tokenizers and real texts.

`explain` is compared in `test_servable.py` and `test_explanation.py`: its graph is the largest.
"""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from lstm_sentiment import FitResult, Vocabulary, export_servable, read_corpus
from lstm_sentiment.text.tokenizer import make_tokenizer
from lstm_sentiment.text.words import build_vocabulary
from tests.serving.light.engines import assert_same, both_engines, strings
from tests.serving.light.twins import trained_model

TEXTS = ["房间很干净，服务非常好", "早餐真的差", "", "It's GOOD, bad! 😀", "房间很" * 30]
WORDS = ["房间", "很", "干净", "早餐", "good", "bad", "it", "'s"]


@pytest.mark.parametrize(
    ("kind", "config"),
    [
        ("characters", {"pooling": "attention", "lstm_layers": 2, "embedding_storage": "float16"}),
        ("whitespace", {"pooling": "last", "bidirectional": False, "ngrams": 1}),
    ],
)
def test_other_models_and_tokenizers(
    fitted: FitResult, tmp_path: Path, kind: str, config: dict[str, Any]
) -> None:
    fillers = [chr(ord("\u4e00") + place) for place in range(28 - len(WORDS))]
    tokenizer = make_tokenizer(kind, Vocabulary([*WORDS, *fillers]))
    result = replace(
        fitted, model=trained_model(**config), tokenizer=tokenizer, examples=tuple(TEXTS)
    )
    engines = both_engines(export_servable(result, tmp_path))
    texts = [*TEXTS, *fillers]
    for signature in ("text", "tokens", "text_statistics"):
        assert_same(engines, signature, strings(texts))


def test_real_reviews(fitted: FitResult, tmp_path: Path, real_data: Path) -> None:
    corpus = read_corpus([real_data / "hotel_reviews.csv"], text_column="review")
    vocabulary = build_vocabulary(corpus.texts[:1000], "characters")
    model = trained_model(ngrams=3, max_length=100)
    words = Vocabulary(vocabulary.tokens[: model.vocabulary_size - 2])
    tokenizer = make_tokenizer("characters", words)
    result = replace(fitted, model=model, tokenizer=tokenizer, examples=tuple(corpus.texts[:20]))
    engines = both_engines(export_servable(result, tmp_path))
    assert_same(engines, "text", strings(corpus.texts[:2000]))
