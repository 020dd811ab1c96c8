from pathlib import Path

import keras
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from lstm_sentiment import InvalidInputError, UnigramTokenizer, Vocabulary, make_tokenizer
from lstm_sentiment.protocol.graph_pb2 import SavedModel
from lstm_sentiment.protocol.saved_model import graph_for_serving
from lstm_sentiment.unicode import replace_surrogates
from lstm_sentiment.version_folder import OOV_ID
from tests import strategies

KINDS = ("unigram", "whitespace", "characters")
WORDS = ("房间", "很", "干净", "房", "好", "wifi", "it", "'s", ",", "。", "a", "é", "😀", "1")
VOCABULARY = Vocabulary(WORDS)
BY_CHARACTER = UnigramTokenizer(VOCABULARY, unknown="character")
TOKENIZERS = {kind: make_tokenizer(kind, VOCABULARY) for kind in KINDS}

kinds = pytest.mark.parametrize("kind", KINDS)
IN_GRAPH = {
    kind: tf.function(tokenizer, input_signature=[tf.TensorSpec([None], tf.string)])
    for kind, tokenizer in TOKENIZERS.items()
}


@pytest.mark.parametrize(
    ("kind", "text", "tokens"),
    [
        ("unigram", "房间很干净", ["房间", "很", "干净"]),
        ("unigram", "房间 很\u3000好", ["房间", "很", "好"]),
        ("unigram", "房间坏坏很", ["房间", "坏坏", "很"]),
        ("unigram", "[PAD][OOV]", ["[PAD][OOV]"]),
        ("whitespace", "It's GOOD, isn’t it", ["it", "'s", "good", ",", "isn", "'t", "it"]),
        ("whitespace", "ÉTÉ—E\u0301", ["été", "—", "é"]),
        ("whitespace", "ＨＯＴＥＬ１", ["hotel1"]),
        ("whitespace", "snake_case", ["snake", "_", "case"]),
        ("whitespace", "ok👍🏽👨‍👩‍👧❤️🇫🇷!!", ["ok", "👍🏽", "👨‍👩‍👧", "❤️", "🇫🇷", "!", "!"]),
        ("whitespace", "see a.b/c?d=1", ["see", "a", ".", "b", "/", "c", "?", "d", "=", "1"]),
        ("characters", "房间 很é", ["房", "间", "很", "é"]),
    ],
)
def test_tokens_are_what_a_reader_expects(kind: str, text: str, tokens: list[str]) -> None:
    assert TOKENIZERS[kind].tokenize(text) == tokens


@kinds
@pytest.mark.parametrize("normalization", ["none", "width", "nfkc"])
@given(tokens=strategies.vocabularies)
@settings(max_examples=15)
def test_every_token_is_known_however_it_is_normalized(
    kind: str, normalization: str, tokens: list[str]
) -> None:
    tokenizer = make_tokenizer(
        kind, Vocabulary(dict.fromkeys([*tokens, "x"])), normalization=normalization
    )
    spellings = tokenizer.spellings(tokens)
    known = tokenizer.from_tokens(tf.constant(tokens)).to_list()
    for token, spelling, ids in zip(tokens, spellings, known, strict=True):
        if spelling:
            (token_id,) = ids
            assert tokenizer.spellings([tokenizer.vocabulary.id_to_token(token_id)]) == [spelling]
            assert token_id != OOV_ID, token


@kinds
def test_a_token_without_a_spelling_of_its_own_leaves_a_gap(kind: str) -> None:
    """Of `，` and `,` the second has the normalized spelling; ids of other tokens stay."""
    tokenizer = make_tokenizer(kind, Vocabulary(["a", "，", "\u3000", ",", "ｂ"]))
    tokens = tf.constant(["a", ",", "，", "b", "ｂ", "c"])
    assert tokenizer.from_tokens(tokens).to_list() == [[2], [5], [5], [6], [6], [OOV_ID]]
    assert tokenizer.look_up(tf.constant([["a", ","], ["b", " "]])).numpy().tolist() == [
        [2, 5],
        [6, OOV_ID],
    ]


@kinds
def test_a_saved_model_holds_each_word_once(kind: str, tmp_path: Path) -> None:
    words = [f"word{number}" for number in range(1_000)]
    tokenizer = make_tokenizer(kind, Vocabulary(words))
    module = tf.Module()
    module.tokenizer = tokenizer
    module.ids = tf.function(
        lambda texts: tokenizer(texts).to_tensor(),
        input_signature=[tf.TensorSpec([None], tf.string)],
    )
    module.ids_of_tokens = tf.function(
        lambda texts: tokenizer.from_tokens(texts).to_tensor(),
        input_signature=[tf.TensorSpec([None], tf.string)],
    )
    tf.saved_model.save(module, str(tmp_path))
    written = (tmp_path / "saved_model.pb").read_bytes()
    assert written.count(b"word777") == 1
    graph = graph_for_serving(tmp_path, SavedModel).graph_def
    functions = (node for function in graph.library.function for node in function.node_def)
    large = [
        node.attr["value"].tensor.dtype
        for node in (*graph.node, *functions)
        if node.op == "Const" and node.attr["value"].tensor.ByteSize() > 1_000
    ]
    assert large == ([] if kind == "unigram" else [tf.string.as_datatype_enum])
    loaded, texts = tf.saved_model.load(str(tmp_path)), tf.constant(["word777 word3", "x"])
    for name, expected in (
        ("ids", tokenizer(texts)),
        ("ids_of_tokens", tokenizer.from_tokens(texts)),
    ):
        assert (
            getattr(loaded, name)(texts).numpy().tolist() == expected.to_tensor().numpy().tolist()
        )


def test_a_word_of_the_dictionary_that_has_no_vector_is_unknown() -> None:
    tokenizer = UnigramTokenizer(Vocabulary(["房间", "很"]), word_counts={"房间": 5, "干净": 3})
    assert tokenizer.look_up(tf.constant(["干净", "房间"])).numpy().tolist() == [OOV_ID, 2]


@kinds
@given(text=strategies.any_texts)
def test_any_text_gives_the_ids_of_its_tokens(kind: str, text: str) -> None:
    tokenizer = TOKENIZERS[kind]
    looked_up = [VOCABULARY.token_to_id(token) for token in tokenizer.tokenize(text)]
    assert tokenizer.encode(text) == (looked_up or [OOV_ID])


@kinds
@given(texts=st.lists(strategies.any_texts, min_size=1, max_size=6))
@settings(max_examples=20)
def test_a_text_does_not_depend_on_its_batch_nor_on_where_it_runs(
    kind: str, texts: list[str]
) -> None:
    tokenizer = TOKENIZERS[kind]
    one_by_one = [tokenizer.encode(text) for text in texts]
    batch = tf.constant([replace_surrogates(text) for text in texts])
    assert tokenizer(batch).to_list() == one_by_one
    assert IN_GRAPH[kind](batch).to_list() == one_by_one


@kinds
def test_tf_data_gives_the_same_ids(kind: str) -> None:
    texts = ["房间很好", "", "It's 😀", "坏 wifi"]
    dataset = tf.data.Dataset.from_tensor_slices(texts).batch(2).map(TOKENIZERS[kind])
    ids = [row for batch in dataset for row in batch.to_list()]
    assert ids == [TOKENIZERS[kind].encode(text) for text in texts]


@kinds
@given(known=st.lists(st.sampled_from([w for w in WORDS if w not in ("房", "'s")]), min_size=1))
def test_known_tokens_survive_encoding_and_decoding(kind: str, known: list[str]) -> None:
    tokenizer = TOKENIZERS[kind]
    if kind == "characters":
        known = [token for token in known if len(token) == 1] or ["好"]
    text = tokenizer.joiner.join(known)
    assert tokenizer.decode(tokenizer.encode(text)) == text


@given(tokens=strategies.vocabularies)
@settings(max_examples=20)
def test_the_table_in_the_graph_is_the_vocabulary(tokens: list[str]) -> None:
    vocabulary = Vocabulary(tokens)
    tokenizer = UnigramTokenizer(vocabulary, normalization="none")
    words = [*tokens, "not-a-token"]
    in_graph = tokenizer.from_tokens(tf.constant([" ".join(words)]))[0].numpy().tolist()
    assert in_graph == [vocabulary.token_to_id(word) for word in words]
    assert tokenizer(tf.constant(tokens)).to_list() == [
        [vocabulary.token_to_id(token)] for token in tokens
    ]


@kinds
@pytest.mark.parametrize("normalization", ["none", "nfkc"])
@given(tokens=strategies.odd_vocabularies, text=strategies.any_texts)
@settings(max_examples=10)
def test_any_vocabulary_will_do(
    kind: str, normalization: str, tokens: list[str], text: str
) -> None:
    vocabulary = Vocabulary(dict.fromkeys([*tokens, "x"]))
    tokenizer = make_tokenizer(kind, vocabulary, normalization=normalization)
    for seen in (text, "".join(tokens), " ".join(tokens)):
        ids = tokenizer(tf.constant([replace_surrogates(seen)])).to_list()[0]
        assert ids
        assert set(ids) <= set(range(OOV_ID, len(vocabulary)))


def test_of_tokens_spelled_the_same_the_normal_one_is_used_or_else_the_first() -> None:
    for tokens, expected in (
        (["，", "房", ","], 4),
        (["，", "房", "︐"], 2),
        (["\u00a0", "房", "，"], 4),
    ):
        tokenizer = UnigramTokenizer(Vocabulary(tokens))
        assert tokenizer(tf.constant([",房", "，房"])).to_list() == [[expected, 3]] * 2
    tokenizer = make_tokenizer("whitespace", Vocabulary(["The", "the"]))
    assert tokenizer(tf.constant(["THE"])).to_list() == [[3]]


def test_a_vocabulary_of_nothing_but_space_is_refused() -> None:
    with pytest.raises(InvalidInputError, match=r"more than whitespace\. Received: 1 tokens"):
        UnigramTokenizer(Vocabulary(["\u3000"]))


def test_an_unknown_run_is_one_oov_or_one_a_character() -> None:
    vocabulary = Vocabulary(["很", "坏坏"])
    by_run = UnigramTokenizer(vocabulary)
    by_character = UnigramTokenizer(vocabulary, unknown="character")
    texts = tf.constant(["😀坏😀很坏坏"])
    assert by_run(texts).to_list() == [[1, 2, 3]]
    assert by_run.tokenize("😀坏😀很坏坏") == ["😀坏😀", "很", "坏坏"]
    assert by_character(texts).to_list() == [[1, 1, 1, 2, 3]]
    assert by_character.tokenize("😀坏😀很坏坏") == ["😀", "坏", "😀", "很", "坏坏"]


@given(texts=st.lists(strategies.any_texts, min_size=1, max_size=4))
@settings(max_examples=20)
def test_splitting_unknown_runs_changes_nothing_else(texts: list[str]) -> None:
    by_run = TOKENIZERS["unigram"]
    for text in texts:
        expected = [
            (character, OOV_ID) if token_id == OOV_ID else (token, token_id)
            for token, token_id in zip(by_run.tokenize(text), by_run.encode(text), strict=False)
            for character in (token if token_id == OOV_ID else [token])
        ]
        assert BY_CHARACTER.tokenize(text) == [token for token, _ in expected]
        assert BY_CHARACTER.encode(text) == ([i for _, i in expected] or [OOV_ID])


def test_counts_say_how_probable_a_word_is() -> None:
    vocabulary = Vocabulary(["不错", "不", "错", "过"])
    assert UnigramTokenizer(vocabulary).tokenize("不错过") == ["不错", "过"]
    counts = {"不": 1_000, "错过": 900, "不错": 40, "错": 5, "过": 5}
    counted = UnigramTokenizer(vocabulary, word_counts=counts)
    assert counted.tokenize("不错过") == ["不", "错过"]
    # `错过` is cut out whole, and not in the vocabulary.
    assert counted(tf.constant(["不错过", "不错"])).to_list() == [[3, OOV_ID], [2]]


def test_counts_of_words_spelled_the_same_are_added_up() -> None:
    counts = {"ｏｋ": 5, "ok": 1, "o": 10, "k": 10}
    tokenizer = UnigramTokenizer(Vocabulary(["ok", "o", "k"]), word_counts=counts)
    assert tokenizer.tokenize("ok") == ["ok"]  # 6 / 26 is more than (10 / 26) squared


@pytest.mark.parametrize("count", [0, -1, float("nan"), float("inf")])
def test_a_count_must_be_positive(count: float) -> None:
    with pytest.raises(InvalidInputError, match="`word_counts` must be positive"):
        UnigramTokenizer(VOCABULARY, word_counts={"房间": count})


@pytest.mark.parametrize("kind", ["whitespace", "characters"])
def test_options_of_unigram_are_refused_elsewhere(kind: str) -> None:
    with pytest.raises(InvalidInputError, match="need the `unigram` tokenizer"):
        make_tokenizer(kind, VOCABULARY, unknown="character")
    with pytest.raises(InvalidInputError, match="need the `unigram` tokenizer"):
        make_tokenizer(kind, VOCABULARY, word_counts={"a": 1})


def test_unknown_choices_are_told_with_the_choices() -> None:
    with pytest.raises(InvalidInputError, match=r"none, width, nfkc\. Received: 'nfd'"):
        UnigramTokenizer(VOCABULARY, normalization="nfd")
    with pytest.raises(InvalidInputError, match=r"run, character\. Received: 'byte'"):
        UnigramTokenizer(VOCABULARY, unknown="byte")


@kinds
def test_the_first_use_may_be_inside_a_function(kind: str) -> None:
    tokenizer = make_tokenizer(kind, Vocabulary(["房间", "第一"]))
    in_graph = tf.function(tokenizer, input_signature=[tf.TensorSpec([None], tf.string)])
    texts = tf.constant(["房间"])
    assert in_graph(texts).to_list() == tokenizer(texts).to_list()


def test_fingerprints_tell_tokenizers_apart() -> None:
    tokenizers = [
        make_tokenizer("unigram", VOCABULARY),
        make_tokenizer("characters", VOCABULARY),
        make_tokenizer("unigram", Vocabulary(reversed(WORDS))),
        make_tokenizer("unigram", VOCABULARY, normalization="none"),
        make_tokenizer("unigram", VOCABULARY, unknown="character"),
        make_tokenizer("unigram", VOCABULARY, word_counts={"房间": 2}),
    ]
    assert len({tokenizer.fingerprint() for tokenizer in tokenizers}) == len(tokenizers)
    assert tokenizers[0].fingerprint() == TOKENIZERS["unigram"].fingerprint()
    for tokenizer in tokenizers:
        assert tokenizer.with_vocabulary(tokenizer.vocabulary).fingerprint() == (
            tokenizer.fingerprint()
        )


@kinds
@pytest.mark.parametrize("text", ["", " ", "\u3000\t\n", "\x00\x1b"])
def test_a_text_without_tokens_is_one_oov(kind: str, text: str) -> None:
    assert TOKENIZERS[kind].encode(text) == [OOV_ID]
    assert TOKENIZERS[kind].tokenize(text) == []
    assert TOKENIZERS[kind].from_tokens(tf.constant([text])).to_list() == [[OOV_ID]]


@kinds
@pytest.mark.parametrize("unit", ["房间很好", "x", " a ", "坏"])
def test_a_hundred_thousand_characters(kind: str, unit: str) -> None:
    text = unit * (100_000 // len(unit))
    ids = TOKENIZERS[kind].encode(text)
    assert ids
    assert set(ids) <= set(range(OOV_ID, len(VOCABULARY)))


@kinds
def test_malformed_bytes_count_as_unknown(kind: str) -> None:
    ids = TOKENIZERS[kind](tf.constant([b"\xff\xfe", b"\xe6\x88", "很".encode()])).to_list()
    assert set(ids[0]) == set(ids[1]) == {OOV_ID}
    assert ids[2] == [VOCABULARY.token_to_id("很")]


@kinds
def test_no_texts_give_no_rows(kind: str) -> None:
    assert TOKENIZERS[kind](tf.constant([], tf.string)).to_list() == []


@kinds
def test_seeding_keras_leaves_the_tokenizer_alive(kind: str) -> None:
    tokenizer = make_tokenizer(kind, VOCABULARY)
    texts = tf.constant(["房间很好"])
    before = tokenizer(texts).to_list()
    keras.utils.set_random_seed(1)
    assert tokenizer(texts).to_list() == before


def test_a_frequent_long_word_wins_over_its_parts() -> None:
    assert UnigramTokenizer(Vocabulary(["不错", "不", "错"])).tokenize("不错") == ["不错"]
    rare_last = ["不", "错", *(f"w{i}" for i in range(2_000)), "不错"]
    assert UnigramTokenizer(Vocabulary(rare_last)).tokenize("不错") == ["不", "错"]


def test_tokens_named_like_the_special_ones_are_ordinary() -> None:
    vocabulary = Vocabulary(["[PAD]", "[OOV]", "好"])
    assert UnigramTokenizer(vocabulary).encode("[PAD]好[OOV]") == [2, 4, 3]


def test_an_unknown_kind_is_told_with_the_choices() -> None:
    with pytest.raises(InvalidInputError, match=r"unigram, whitespace, characters\. Received"):
        make_tokenizer("bpe", VOCABULARY)


@given(strategies.any_texts)
def test_replaced_surrogates_are_valid_utf8_and_the_rest_is_kept(text: str) -> None:
    replaced = replace_surrogates(text)
    replaced.encode()
    if not any("\ud800" <= c <= "\udfff" for c in text):
        assert replaced == text


def test_a_split_pair_of_surrogates_is_the_character() -> None:
    assert replace_surrogates("\ud83d\ude00 \ud800") == "😀 \ufffd"
