"""What the documentation shows is what comes out."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from lstm_sentiment import UnigramTokenizer, Vocabulary, load_word_vectors, make_tokenizer
from tests.conftest import REPOSITORY

PACKAGE = REPOSITORY / "lstm_sentiment"
TEXT = (REPOSITORY / "docs" / "text.md").read_text("utf-8")


def examples() -> Iterator[dict[str, str]]:
    for block in re.findall(r"```tokens\n(.*?)```", TEXT, re.DOTALL):
        yield dict(line.split(maxsplit=1) for line in block.splitlines())


@pytest.mark.parametrize("kind", ["whitespace", "characters"])
def test_tokens_by_rule_are_those_shown(kind: str) -> None:
    tokenizer = make_tokenizer(kind, Vocabulary(["."]))
    for example in examples():
        assert " ".join(tokenizer.tokenize(example["text"])) == example[kind]


def test_tokens_by_vocabulary_are_those_shown(real_data: Path) -> None:
    vectors = load_word_vectors(real_data / "chinese_word_vectors_100d.txt.gz")
    tokenizer = UnigramTokenizer(vectors.vocabulary())
    shown = list(examples())
    assert len(shown) >= 10
    for example in shown:
        assert " ".join(tokenizer.tokenize(example["text"])) == example["unigram"]


def test_vectors_of_a_language_cut_it() -> None:
    words = ["โรงแรม", "นี้", "ดี", "มาก"]
    thai = next(example["text"] for example in examples() if example["text"].startswith("โรงแรม"))
    assert UnigramTokenizer(Vocabulary(words)).tokenize(thai) == words


def test_normalizations_are_those_shown() -> None:
    rows = re.findall(r"\| `(none|width|nfkc)`.*\| `(.*)` \|", TEXT)
    assert [name for name, _ in rows] == ["none", "width", "nfkc"]
    text = rows[0][1]
    for name, shown in rows:
        tokenizer = make_tokenizer("characters", Vocabulary(["."]), normalization=name)
        assert "".join(tokenizer.tokenize(text)) == shown


def test_files_that_contributing_names_are_there() -> None:
    text = (REPOSITORY / "CONTRIBUTING.md").read_text("utf-8")
    named = re.findall(r"`((?:\w+/)*\w+\.(?:py|pyi|toml))`", text)
    assert len(named) > 20
    for name in named:
        folders = (REPOSITORY, PACKAGE, PACKAGE / "serving")
        assert "NAME" in name or any((folder / name).is_file() for folder in folders), name


def test_architecture_lists_every_package() -> None:
    text = (REPOSITORY / "docs" / "explanation" / "architecture.md").read_text("utf-8")
    listed = {
        package: set(re.findall(r"`(\w+)`", parts))
        for package, parts in re.findall(r"^\| `(\w+)`([^|]*)\|", text, re.MULTILINE)
    }
    assert listed == {package: subpackages(PACKAGE / package) for package in subpackages(PACKAGE)}


def subpackages(folder: Path) -> set[str]:
    return {path.parent.name for path in folder.glob("*/__init__.py")}
