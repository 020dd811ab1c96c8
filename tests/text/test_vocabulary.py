from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings

from lstm_sentiment import InvalidInputError, Vocabulary
from lstm_sentiment.version_folder import OOV_ID, PAD_ID
from tests import strategies


def test_ids_are_padding_then_oov_then_the_tokens_in_order() -> None:
    vocabulary = Vocabulary(["很", "好"])
    assert (PAD_ID, OOV_ID) == (0, 1)
    assert [vocabulary.token_to_id(token) for token in ("很", "好", "坏")] == [2, 3, OOV_ID]
    assert [vocabulary.id_to_token(i) for i in range(4)] == ["[PAD]", "[OOV]", "很", "好"]
    assert vocabulary.size == len(vocabulary) == 4


@given(strategies.vocabularies)
def test_every_token_finds_its_way_back(tokens: list[str]) -> None:
    vocabulary = Vocabulary(tokens)
    ids = [vocabulary.token_to_id(token) for token in tokens]
    assert ids == list(range(2, len(tokens) + 2))
    assert [vocabulary.id_to_token(i) for i in ids] == tokens


@given(strategies.vocabularies | strategies.odd_vocabularies)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_file_gives_the_same_vocabulary(tmp_path: Path, tokens: list[str]) -> None:
    path = tmp_path / "vocabulary.txt"
    Vocabulary(tokens).save(path)
    assert Vocabulary.load(path) == Vocabulary(tokens)
    assert path.read_bytes().decode().split("\n")[:-1] == tokens


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"a\n\nb\n", r":2: tokens must not be empty"),
        (b"a\nb\na\n", r":3: tokens must be distinct \(line 1 has this one\)\. Received: 'a'"),
        (b"a\n\xff\n", r":2: tokens must be UTF-8"),
        (b"a\r\nb\r\n", r":1: tokens must be on one line"),
        (b"", r"at least one token"),
    ],
)
def test_a_damaged_file_is_refused_with_its_line(
    tmp_path: Path, content: bytes, message: str
) -> None:
    path = tmp_path / "vocabulary.txt"
    path.write_bytes(content)
    with pytest.raises(InvalidInputError, match=message):
        Vocabulary.load(path)


def test_a_missing_file_is_one_clear_line(tmp_path: Path) -> None:
    with pytest.raises(InvalidInputError, match=r"none\.txt: cannot be read: No such file"):
        Vocabulary.load(tmp_path / "none.txt")


@pytest.mark.parametrize("tokens", [[], ["a", "a"], [""], ["a\nb"], ["a\rb"], ["\ud800"]])
def test_refuses_tokens_that_no_file_could_hold(tokens: list[str]) -> None:
    with pytest.raises(InvalidInputError, match="Received"):
        Vocabulary(tokens)


@pytest.mark.parametrize("token_id", [-1, 4])
def test_refuses_an_id_that_is_not_there(token_id: int) -> None:
    with pytest.raises(InvalidInputError, match=f"from 0 to 3. Received: token_id={token_id}"):
        Vocabulary(["a", "b"]).id_to_token(token_id)
