from pathlib import Path

import pytest

from lstm_sentiment import InvalidInputError, load_word_counts


def write(path: Path, content: str | bytes) -> Path:
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def test_words_with_counts_and_parts_of_speech(tmp_path: Path) -> None:
    path = write(tmp_path / "dict.txt", "\ufeff房间 120 n\r\n性价比 7\n\n很 nz\n干净\n房间 1\n")
    assert load_word_counts(path) == {"房间": 121, "性价比": 7, "很": 1, "干净": 1}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("房间 3\n很 好 了\n", r":2: a line must hold a word, a count.*Received: '很 好 了'"),
        ("a 1 n x\n", r":1: a line must hold"),
        (b"a 1\n\xff 2\n", r":2: words must be UTF-8"),
        ("\n \n", r"must hold at least one word"),
    ],
)
def test_a_damaged_dictionary_is_refused_with_its_line(
    tmp_path: Path, content: str | bytes, message: str
) -> None:
    with pytest.raises(InvalidInputError, match=message):
        load_word_counts(write(tmp_path / "dict.txt", content))


def test_a_missing_dictionary_is_one_clear_line(tmp_path: Path) -> None:
    with pytest.raises(InvalidInputError, match=r"none\.txt: cannot be read: No such file"):
        load_word_counts(tmp_path / "none.txt")


def test_the_name_jieba_is_the_installed_packages(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = tmp_path / "jieba"
    package.mkdir()
    write(package / "__init__.py", "raise RuntimeError('must not be imported')")
    write(package / "dict.txt", "房间 120 n\n")
    monkeypatch.syspath_prepend(tmp_path)
    assert load_word_counts("jieba") == {"房间": 120}


def test_without_the_package_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lstm_sentiment.text.word_counts.find_spec", lambda name: None)
    with pytest.raises(InvalidInputError, match="pip install jieba"):
        load_word_counts("jieba")
