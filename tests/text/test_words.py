import logging
import sys

import pytest
import rjieba
from hypothesis import given, settings
from hypothesis import strategies as st

from lstm_sentiment import (
    OOV_ID,
    InvalidInputError,
    UnigramTokenizer,
    Vocabulary,
    build_vocabulary,
    choose_tokenizer,
    frequent_unknown_tokens,
    make_tokenizer,
)

CHINESE = ["房间很干净，服务很好", "房间太小，服务很差", "早餐不错，房间很大"]
THAI = ["โรงแรมนี้ดีมาก", "โรงแรมนี้แย่มาก"]
ENGLISH = ["The room was clean, it's great.", "The room was dirty; it's bad."]


@pytest.mark.parametrize(
    ("texts", "kind"),
    [
        (CHINESE, "unigram"),
        (["とても面白かった", "つまらない映画"], "unigram"),
        (THAI, "unigram"),
        (ENGLISH, "whitespace"),
        (["방이 깨끗하고 좋아요"], "whitespace"),
        (["WiFi 很好用，房间很干净，服务员热情"], "unigram"),
        (["great hotel in 北京"], "whitespace"),
        (["123 !!"], "whitespace"),
    ],
)
def test_auto_takes_unigram_where_words_are_not_separated(texts: list[str], kind: str) -> None:
    assert choose_tokenizer(texts) == kind


def test_chinese_words_come_from_jiebas_dictionary_the_most_frequent_first() -> None:
    words = build_vocabulary(CHINESE, "unigram").tokens
    assert set(words[:3]) == {"房间", "很", ","}  # the comma as normalization spells it
    assert "服务" in words
    assert "早餐" not in words  # occurs once


CUT_APART = ["24-26", "a_b", "e-mail", "Wi-Fi"]


@given(
    texts=st.lists(
        st.sampled_from(
            ["房间", "很", "干净", "，", "1.5%", "\u3400", "\U00020000", " ", *CUT_APART]
        ),
        max_size=8,
    )
)
@settings(max_examples=60, deadline=None)
def test_rjieba_cuts_as_jieba_does_without_its_hidden_markov_model(texts: list[str]) -> None:
    jieba = pytest.importorskip("jieba")
    jieba.setLogLevel(logging.ERROR)
    text = "".join(texts)
    assert rjieba.cut(text, False) == jieba.lcut(text, HMM=False)


def test_rjieba_and_jieba_differ_with_the_model_as_the_documentation_has_it() -> None:
    jieba = pytest.importorskip("jieba")
    jieba.setLogLevel(logging.ERROR)
    for text in CUT_APART:
        assert rjieba.cut(text, True) == [text]
        assert len(jieba.lcut(text, HMM=True)) == 3


def test_a_rare_word_is_read_as_the_characters_that_other_words_have_too() -> None:
    texts = ["早上很好", "午餐很好", "早餐很好"]
    vocabulary = build_vocabulary(texts, "unigram")
    assert set(vocabulary.tokens) == {"很", "好", "早", "餐"}
    tokenizer = make_tokenizer("unigram", vocabulary)
    assert tokenizer.tokenize("早餐很好") == ["早", "餐", "很", "好"]
    assert OOV_ID not in tokenizer.encode("早餐很好")


def test_rare_words_can_be_kept() -> None:
    assert "早餐" in build_vocabulary(CHINESE, "unigram", min_count=1).tokens


def test_a_given_dictionary_cuts_instead_of_jieba(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "rjieba", None)
    counts = {"房间很": 50, "服务": 9}
    texts = ["房间很大,WiFi很好", "房间很小,WiFi没有", "服务很好"]
    words = build_vocabulary(texts, "unigram", word_counts=counts).tokens
    assert {"房间很", ",", "WiFi", "很", "好"} <= set(words)
    assert "房间" not in words


def test_spellings_are_counted_together() -> None:
    texts = ["ｗｉｆｉ 很好", "wifi 很差"]
    assert "wifi" in build_vocabulary(texts, "unigram").tokens
    assert "wifi" not in build_vocabulary(texts, "unigram", normalization="none").tokens


@pytest.mark.parametrize(
    ("kind", "expected"), [("unigram", ["😀", "wifi"]), ("whitespace", ["😀", "wifi房间很好"])]
)
def test_frequent_unknown_words_are_found(kind: str, expected: list[str]) -> None:
    tokenizer = make_tokenizer(kind, Vocabulary(["房间", "很", "好", "坏", "a"]))
    texts = ["wifi房间很好 😀"] * 3 + ["😀坏 rare"]
    assert sorted(frequent_unknown_tokens(tokenizer, texts, min_count=3)) == sorted(expected)
    grown = tokenizer.with_vocabulary(Vocabulary([*tokenizer.vocabulary.tokens, *expected]))
    assert frequent_unknown_tokens(grown, texts, min_count=2) == []


def test_a_frequent_word_of_the_dictionary_is_found_whole() -> None:
    tokenizer = UnigramTokenizer(
        Vocabulary(["性", "价", "比", "高", "很"]), word_counts={"性价比": 9, "很高": 9}
    )
    texts = ["性价比很高,性价比很低"] * 3
    found = frequent_unknown_tokens(tokenizer, texts, min_count=3)
    assert found == ["性价比", "很高", ",", "低"]


def test_a_script_that_the_dictionary_lacks_is_cut_into_characters() -> None:
    vocabulary = build_vocabulary(THAI, "unigram")
    assert make_tokenizer("unigram", vocabulary).tokenize("โรงแรม") == list("โรงแรม")


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("whitespace", {"the", "room", "was", "it", "'s"}),
        ("characters", {"T", "h", "e"}),
    ],
)
def test_other_tokenizers_count_their_own_tokens(kind: str, expected: set[str]) -> None:
    words = build_vocabulary(ENGLISH, kind).tokens  # type: ignore[arg-type]
    assert expected <= set(words)
    tokenizer = make_tokenizer(kind, build_vocabulary(ENGLISH, kind, min_count=1))  # type: ignore[arg-type]
    assert 1 not in tokenizer.encode(ENGLISH[0])


def test_no_word_that_occurs_twice() -> None:
    with pytest.raises(InvalidInputError, match="2 times in the training texts"):
        build_vocabulary(["a b", "c d"], "whitespace")


def test_without_rjieba_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "rjieba", None)
    with pytest.raises(InvalidInputError, match=r"pip install 'lstm-sentiment\[vectors\]'"):
        build_vocabulary(CHINESE, "unigram")
