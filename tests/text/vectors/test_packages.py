"""Word vectors of a package, given by its name; a small stand-in takes the package's place."""

import sys
from pathlib import Path

import numpy as np
import pyarrow
import pyarrow.parquet
import pytest

from lstm_sentiment import InvalidInputError, load_word_vectors
from lstm_sentiment.text.vectors.packages import ENGLISH, PACKAGES, is_package

WORDS = ("the", ",", "film", "great")
MATRIX = np.arange(12, dtype=np.float32).reshape(4, 3)
PACKAGE = PACKAGES[ENGLISH]


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of an importable package with the files of the real one."""
    folder = tmp_path / PACKAGE.module
    (folder / "data").mkdir(parents=True)
    (folder / "__init__.py").touch()
    np.save(folder / PACKAGE.matrix, MATRIX)
    pyarrow.parquet.write_table(pyarrow.table({"index": WORDS}), folder / PACKAGE.words)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, PACKAGE.module, raising=False)
    return folder


def test_the_name_of_a_package_stands_for_its_vectors(package: Path) -> None:
    vectors = load_word_vectors(ENGLISH)
    assert vectors.tokens == WORDS
    np.testing.assert_array_equal(vectors.matrix, MATRIX)
    assert isinstance(vectors.matrix, np.memmap)


def test_limit_and_only_choose_rows_as_of_a_file(package: Path) -> None:
    assert load_word_vectors(ENGLISH, limit=2).tokens == WORDS[:2]
    some = load_word_vectors(Path(ENGLISH), only=("great", "film", "none"))
    assert some.tokens == ("film", "great")
    np.testing.assert_array_equal(some.matrix, MATRIX[2:])
    with pytest.raises(InvalidInputError, match=r"at least one of its 4 words must be wanted"):
        load_word_vectors(ENGLISH, only=("none",))


def test_a_file_of_the_name_comes_first(
    package: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path(ENGLISH).write_text("own 1 2\n", "utf-8")
    assert not is_package(ENGLISH)
    assert load_word_vectors(ENGLISH).tokens == ("own",)


@pytest.mark.parametrize("missing", [PACKAGE.module, "pyarrow"])
def test_what_to_install_is_said_in_one_line(
    package: Path, monkeypatch: pytest.MonkeyPatch, missing: str
) -> None:
    monkeypatch.setitem(sys.modules, missing, None)
    with pytest.raises(InvalidInputError) as caught:
        load_word_vectors(ENGLISH)
    assert str(caught.value).endswith("pip install 'lstm-sentiment[glove]'.")
    assert "\n" not in str(caught.value)


def test_a_package_of_another_form_is_refused(package: Path) -> None:
    np.save(package / PACKAGE.matrix, MATRIX[:2])
    with pytest.raises(InvalidInputError, match=r"a row for each of the 4 words\. Received: .*2"):
        load_word_vectors(ENGLISH)
    (package / PACKAGE.matrix).unlink()
    with pytest.raises(InvalidInputError, match="cannot be read"):
        load_word_vectors(ENGLISH)
    (package / PACKAGE.words).write_bytes(b"no table")
    with pytest.raises(InvalidInputError, match="is not a Parquet file"):
        load_word_vectors(ENGLISH)


def test_the_real_package_has_english_words() -> None:
    pytest.importorskip(PACKAGE.module, reason="the extra `glove` is not installed")
    vectors = load_word_vectors(ENGLISH, only=("good", "bad", "excellent", "terrible"))
    assert (len(vectors.tokens), vectors.dim) == (4, 50)
    assert np.isfinite(vectors.matrix).all()
