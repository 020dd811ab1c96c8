"""Display names: read from JSON and TOML, found by language, kept by a version."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lstm_sentiment.display_names import (
    NO_NAMES,
    DisplayNames,
    as_display_names,
    load_display_names,
    read_display_names,
    save_display_names,
)
from lstm_sentiment.errors import InvalidInputError
from lstm_sentiment.version_digests import save_digests
from lstm_sentiment.version_folder import LABEL_NAMES

NAMES = {"0": {"en": "negative", "zh": "差评"}, "1": {"en": "positive", "zh": "好评"}}


def written(path: Path, content: str | bytes) -> Path:
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("names.json", json.dumps(NAMES)),
        ("names.json", "\ufeff" + json.dumps(NAMES, ensure_ascii=False)),
        ("names.TOML", '[0]\nen = "negative"\nzh = "差评"\n[1]\nen = "positive"\nzh = "好评"\n'),
    ],
)
def test_json_and_toml_hold_the_same(tmp_path: Path, name: str, content: str) -> None:
    assert read_display_names(written(tmp_path / name, content)).to_dict() == NAMES


@pytest.mark.parametrize(
    ("language", "expected"),
    [
        ("en", "negative"),
        ("zh", "差评"),
        ("zh-CN", "差评"),
        ("ZH_cn", "差评"),
        ("zh-TW", "負評"),
        ("zh-Hant-TW", "差评"),  # the nearest with fewer parts
        ("de", "0"),
    ],
)
def test_the_nearest_form_of_a_language_is_found(language: str, expected: str) -> None:
    names = as_display_names({"0": {"en": "negative", "zh": "差评", "zh-tw": "負評"}})
    assert names.of("0", language) == expected


def test_another_form_of_a_language_is_better_than_the_label() -> None:
    names = as_display_names({"0": {"zh-Hans": "差评", "*": "negative"}, "1": "positive"})
    assert names.of("0", "zh") == names.of("0", "zh-TW") == "差评"
    assert names.of("0", "fr") == "negative"
    assert names.of_all(["0", "1", "2"], "fr") == ("negative", "positive", "2")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ('{"2": {"en": "x"}}', "only labels of the model: 0, 1. Received: '2'"),
        ('{"0": {"cn": "差评"}}', "by language tag, such as en, zh or zh-TW. Received: 'cn'. Did"),
        ('{"0": {"Chinese": "差评"}}', "Received: 'Chinese'. Did you mean 'zh'?"),
        ('{"0": {"qq": "x"}}', "Received: 'qq'"),
        ('{"0": {"en": 3}}', "the name of label '0' in 'en' must be a text. Received: 3."),
        ('{"0": {"en": " "}}', "must be printable text"),
        ('{"0": {"en": "a\\u0000b"}}', "must be printable text"),
        ('{"0": {"en": "%s"}}' % ("x" * 101), "at most 100 characters. Received: 101"),
        ('{"0": ["negative"]}', "the names of label '0' must be texts by language tag"),
        ('{"0": {"en": "x"}, "1": {"en": "x"}}', "Received: 'x' for '0' and '1' in 'en'"),
        ('{"0": {"en": "x", "EN": "y"}}', "one name in each language. Received: two for 'en'"),
        ('{"0": {"en": "x"}, "0": {"en": "y"}}', "each key once. Received: '0' twice"),
        ("[]", "must hold a name for each label"),
        ("{", "must be JSON, or TOML if its name ends in .toml"),
        ('{"0": {"en": "差评"}}'.encode("gb18030"), "must be UTF-8.*iconv -f GB18030"),
        (b"PK\x03\x04" + b"\0" * 40, "must be JSON or TOML. Received: a ZIP archive"),
    ],
)
def test_what_is_wrong_is_named(tmp_path: Path, content: str | bytes, message: str) -> None:
    path = written(tmp_path / "names.json", content)
    with pytest.raises(InvalidInputError, match=message.replace("[", r"\[")) as caught:
        read_display_names(path).check_labels(["0", "1"], path)
    assert str(caught.value).startswith(f"{path}: ")
    assert "\n" not in str(caught.value)


def test_a_missing_file_is_named_with_the_one_that_was_meant(tmp_path: Path) -> None:
    written(tmp_path / "names.json", "{}")
    with pytest.raises(InvalidInputError, match=r"Did you mean '.*names\.json'"):
        read_display_names(tmp_path / "nanes.json")


@given(
    st.dictionaries(
        st.text(min_size=1, max_size=5).filter(lambda text: text.isprintable()),
        st.dictionaries(
            st.sampled_from(["en", "zh", "zh-TW", "ja", "*"]),
            st.text("abc差评 ", min_size=1, max_size=8).filter(str.strip),
        ),
        max_size=3,
    )
)
def test_a_version_keeps_what_was_read(
    tmp_path_factory: pytest.TempPathFactory, given_names: dict[str, dict[str, str]]
) -> None:
    try:
        names = as_display_names(given_names)
    except InvalidInputError:  # two labels with one name
        return
    version = tmp_path_factory.mktemp("version")
    (version / LABEL_NAMES).parent.mkdir()
    save_display_names(names, version)
    save_digests(version)
    assert load_display_names(version) == names
    for label, of_label in names.names.items():
        for tag, name in of_label.items():
            assert names.of(label, tag) == name


def test_a_version_without_names_has_none(tmp_path: Path) -> None:
    assert load_display_names(tmp_path) is NO_NAMES
    assert NO_NAMES.of("0", "zh") == "0"
    assert not NO_NAMES


def test_a_damaged_file_of_a_version_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / LABEL_NAMES
    path.parent.mkdir()
    save_display_names(as_display_names(NAMES), tmp_path)
    save_digests(tmp_path)
    path.write_text(path.read_text("utf-8").replace("差", "好", 1), "utf-8")
    with pytest.raises(InvalidInputError, match=f"^{path}"):
        load_display_names(tmp_path)


def test_names_are_taken_as_they_are_twice() -> None:
    names = as_display_names(NAMES)
    assert as_display_names(names) is names
    assert isinstance(names, DisplayNames)
