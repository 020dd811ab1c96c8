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
        (b"a 1\n\xff 2\n", r":2: words must be UTF-8"),
        ("房间 3\n".encode("gb18030"), r":1: words must be UTF-8.*`iconv -f GB18030 -t UTF-8 "),
        ("房间 3\n".encode("utf-16"), r"must be a dictionary in UTF-8.*text in UTF-16"),
        (b"\x40\x15\0\0DCS\x01\x01\0\0\0" + bytes(99), r"input method Sogou \(\.scel\)"),
        ("\n \n", r"must hold at least one word"),
        ("房间 0\n", r"must hold at least one word with a count above 0"),
        (f"很 1\n房间 {'9' * 5_000}\n", r":2: the count of a word must be at most 10{15}\. Rec"),
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


def test_lines_are_read_as_jieba_reads_them(tmp_path: Path) -> None:
    lines = {
        "云计算 5": ("云计算", 5),
        "韩玉赏鉴 3 nz": ("韩玉赏鉴", 3),
        "台中": ("台中", 1),
        "凱特琳 nz": ("凱特琳", 1),
        "Edu Trust认证 2000": ("Edu Trust认证", 2000),
        "Edu Trust": ("Edu Trust", 1),
        "iPhone 15 Pro": ("iPhone 15 Pro", 1),
        "Windows 10": ("Windows", 10),
        "八一双鹿 3  n ": ("八一双鹿", 3),
        "大连\t4\tns": ("大连", 4),
        "很 好 了": ("很 好 了", 1),
        "a 1 n x": ("a 1 n", 1),
        "辨 4 Vg": ("辨", 4),
    }
    path = write(tmp_path / "user.txt", "\n".join(lines))
    assert load_word_counts(path) == dict(lines.values())
    for line, (word, count) in lines.items():
        assert load_word_counts(write(path, line)) == {word: count}


def test_more_files_add_to_the_first_as_user_dictionaries_do(tmp_path: Path) -> None:
    first = write(tmp_path / "dict.txt", "台 300\n中 200\n房间 120\n干净 80\n很 300\n")
    user = write(tmp_path / "user.txt", "台中\n房间 3\n很 0\n新词 7\n干净\n")
    assert load_word_counts(first, user) == {
        "台": 300,
        "中": 200,
        "房间": 3,
        "干净": 80,
        # Likelier than 台 and 中 one after the other: 300 * 200 / 1000, and one more.
        "台中": 61,
        "新词": 7,
    }
    last = write(tmp_path / "last.txt", "台中 9\n")
    assert load_word_counts(first, user, last)["台中"] == 9


def test_jiebas_own_words_come_first_wherever_they_are_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = tmp_path / "jieba"
    package.mkdir()
    write(package / "__init__.py", "raise RuntimeError('must not be imported')")
    write(package / "dict.txt", "房间 120 n\n很 300 d\n")
    monkeypatch.syspath_prepend(tmp_path)
    user = write(tmp_path / "user.txt", "带孩子\n房间 3\n")
    expected = {"房间": 3, "很": 300, "带孩子": 1}
    assert load_word_counts("jieba", user) == load_word_counts(user, "jieba") == expected


def test_without_the_package_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lstm_sentiment.text.word_counts.find_spec", lambda name: None)
    with pytest.raises(InvalidInputError, match="pip install jieba"):
        load_word_counts("jieba")
