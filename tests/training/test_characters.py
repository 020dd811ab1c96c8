"""Character n-grams of known tokens, as scikit-learn counts them."""

from functools import cache

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.feature_extraction.text import TfidfVectorizer

from lstm_sentiment import ModelConfig, Tokenizer, Vocabulary, pad_token_ids
from lstm_sentiment.model.character_view import CharacterView, CharacterWeights
from lstm_sentiment.text.tokenizer import make_tokenizer
from lstm_sentiment.training import characters
from lstm_sentiment.training.characters import (
    fit_character_ngrams,
    settled_character_ngrams,
    spell_tokens,
)
from lstm_sentiment.training.inputs.token_rows import TokenRows
from tests.training.reference_classifier import reference_of

WORDS = ("helpful", "unhelpful", "clean", "cleaner", "dirty", "room", "a", "the", "staff")
TOKENS = ("干净", "不干净", "房间", "很", "服务", "好", "差", "\U00020bb7野家")
KINDS = ("whitespace", "unigram")


@cache
def tokenizer_of(kind: str) -> Tokenizer:
    return make_tokenizer(kind, Vocabulary(WORDS if kind == "whitespace" else TOKENS))


@cache
def texts_of(kind: str, count: int = 80) -> tuple[list[str], list[int]]:
    """Texts of known tokens, whose class shows in two of them."""
    rng = np.random.default_rng(0)
    tokens, joiner = tokenizer_of(kind).vocabulary.tokens, tokenizer_of(kind).joiner
    texts = [joiner.join(rng.choice(tokens, 6)) for _ in range(count)]
    return texts, [int(tokens[1] in text or tokens[4] in text) for text in texts]


@cache
def weights_of(kind: str, longest: int) -> CharacterWeights:
    texts, labels = texts_of(kind)
    tokenizer = tokenizer_of(kind)
    rows = TokenRows.from_lists([tokenizer.encode(text) for text in texts])
    weights = fit_character_ngrams(rows, labels, tokenizer, num_classes=2, longest=longest)
    assert weights is not None
    return weights


@cache
def view_of(kind: str, longest: int) -> CharacterView:
    weights = weights_of(kind, longest)
    view = CharacterView(weights.sizes, 2, len(tokenizer_of(kind).vocabulary))
    view.build()
    view.load_characters(weights)
    return view


def logits_of(kind: str, longest: int, texts: list[str]) -> np.ndarray:
    rows = [tokenizer_of(kind).encode(text) for text in texts]
    padded = pad_token_ids(rows, max(map(len, rows)))
    return np.asarray(view_of(kind, longest).ngram_logits(padded))


@pytest.mark.parametrize(("kind", "analyzer"), zip(KINDS, ("char_wb", "char"), strict=True))
@pytest.mark.parametrize("longest", [1, 3, 5])
def test_it_is_scikit_learns_classifier(kind: str, analyzer: str, longest: int) -> None:
    texts, labels = texts_of(kind)
    vectorizer = TfidfVectorizer(
        analyzer=analyzer,
        ngram_range=(1, longest),
        binary=True,
        min_df=2,
        lowercase=False,
        use_idf=False,
    )
    features = vectorizer.fit_transform(texts)
    reference = reference_of(features, labels)
    assert len(weights_of(kind, longest).ngrams.keys) == features.shape[1]
    joiner = tokenizer_of(kind).joiner
    unseen = [joiner.join(text) for text in (WORDS[:3], WORDS[6:])]
    if kind == "unigram":
        unseen = ["房间干净", "服务很差"]
    expected = reference(vectorizer.transform(unseen))
    logits = logits_of(kind, longest, unseen)
    np.testing.assert_allclose(logits[:, 1] - logits[:, 0], expected, atol=1e-3)


@given(
    st.sampled_from(KINDS),
    st.lists(st.lists(st.integers(1, 8), min_size=1, max_size=8), min_size=1, max_size=4),
    st.integers(0, 4),
)
def test_padding_and_company_change_nothing(kind: str, rows: list[list[int]], more: int) -> None:
    view = view_of(kind, 3)
    padded = pad_token_ids(rows, 8)
    together = view.ngram_logits(np.pad(padded, [(0, 0), (more, more)])).numpy()
    alone = [view.ngram_logits(np.array([row])).numpy()[0] for row in rows]
    np.testing.assert_allclose(together, alone, atol=1e-5)


def test_an_unknown_token_ends_ngrams() -> None:
    apart = logits_of("unigram", 3, ["干净X好"])
    view = view_of("unigram", 3)
    tokenizer = tokenizer_of("unigram")
    spelled = view.units(np.array([tokenizer.encode("干净X好")])).numpy()[0]
    assert (spelled == 0).tolist() == [False, False, True, False]
    assert not np.allclose(apart, logits_of("unigram", 3, ["干净好"]))


def test_no_ngram_goes_from_one_word_to_the_next() -> None:
    one, other = logits_of("whitespace", 5, ["clean the room", "room the clean"])
    np.testing.assert_allclose(one, other, atol=1e-5)


def test_too_many_characters_for_the_keys_leave_the_rare_ones_out() -> None:
    """Of n-grams of 5, a character has 12 bits."""
    tokens = [chr(0x4E00 + number) for number in range(5_000)]
    tokenizer = make_tokenizer("unigram", Vocabulary(tokens))
    rows = TokenRows.from_lists([[2, 5_001], [5_001]])
    spellings = spell_tokens(tokenizer, rows, 5)
    numbers = spellings.characters[1:]  # of the known tokens
    assert numbers.max() < 2**12 and (numbers > 0).sum() == 2**12 - 2
    assert numbers[4_999] > 0 and numbers[0] > 0 and numbers[4_998] == 0


def test_of_many_tokens_those_that_are_likely_are_spelled(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(characters, "_SPELLED", 2)
    tokenizer = tokenizer_of("unigram")
    texts = TokenRows.from_lists([tokenizer.encode("服务好")])
    spellings = spell_tokens(tokenizer, texts, 3)
    parts = np.split(spellings.characters, spellings.splits[1:-1])[2:]
    spelled = [token for token, part in zip(TOKENS, parts, strict=True) if part.all()]
    assert spelled == [*TOKENS[:2], "服务", "好"]


@pytest.mark.parametrize(
    ("kind", "config", "longest"),
    [
        ("whitespace", ModelConfig(), 5),
        ("unigram", ModelConfig(), 3),
        ("characters", ModelConfig(), 0),
        ("unigram", ModelConfig(ngrams=0), 0),
        ("unigram", ModelConfig(ngrams=0, character_ngrams=2), 2),
    ],
)
def test_auto_is_settled_by_the_tokenizer(kind: str, config: ModelConfig, longest: int) -> None:
    tokenizer = make_tokenizer(kind, Vocabulary(["a"]))
    assert settled_character_ngrams(config, tokenizer).character_ngrams == longest
