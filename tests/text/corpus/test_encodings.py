"""Files of texts are UTF-8, UTF-16 with a byte order mark, or simplified Chinese in GB18030."""

import codecs
import csv
import gzip
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lstm_sentiment import Corpus, InvalidInputError, open_corpus, read_corpus, read_texts
from lstm_sentiment.encodings import AUTO, codec_of, encoding_of, is_gb18030
from lstm_sentiment.labels.labelled_files import read_labelled_files
from tests.recorder import Recorder
from tests.text.corpus.encoding_cases import CASES, OTHERS, Case

Read = Callable[..., Corpus]
READERS = [read_corpus, open_corpus]

TABLE = 'text,label\r\n房间很干净，早餐太差了。,差\r\n"服务员态度\n一流！",好\r\n'
ROWS = [("房间很干净，早餐太差了。", "差"), ("服务员态度\n一流！", "好")]
MARKED = {
    "utf-8": codecs.BOM_UTF8 + TABLE.encode(),
    "utf-16-le": codecs.BOM_UTF16_LE + TABLE.encode("utf-16-le"),
    "utf-16-be": codecs.BOM_UTF16_BE + TABLE.encode("utf-16-be"),
}


def rows_of(corpus: Corpus) -> list[tuple[str, str]]:
    names = corpus.label_names
    return [(text, names[label]) for text, label in zip(corpus.texts, corpus.labels, strict=True)]


def written(folder: Path, content: bytes, name: str = "a.csv") -> Path:
    path = folder / name
    path.write_bytes(content)
    return path


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_file_is_read_in_its_encoding_or_refused_with_what_to_do(
    tmp_path: Path, case: Case
) -> None:
    path, recorder = written(tmp_path, case.content, "a.txt"), Recorder()
    if case.encoding is None:
        with pytest.raises(InvalidInputError, match=r"a\.txt:\d+: must be UTF-8.*`--encoding "):
            read_texts(path)
        return
    assert read_texts(path, progress=recorder) == case.text.splitlines()
    told = [f"{path}: read as GB18030, since line {case.first_line} is not UTF-8 (`--encoding` "]
    assert [said.partition("names")[0] for said in recorder.said] == (
        told if case.encoding == "gb18030" else []
    )


@pytest.mark.parametrize("read", READERS)
@pytest.mark.parametrize("stated", [AUTO, "gb18030", "GBK", "gb2312"])
def test_gb18030(tmp_path: Path, read: Read, stated: str) -> None:
    path = written(tmp_path, TABLE.encode("gb18030"))
    assert rows_of(read([path], encoding=stated)) == ROWS
    packed = written(tmp_path, gzip.compress(path.read_bytes()), "a.csv.gz")
    assert rows_of(read([packed], encoding=stated)) == ROWS


@pytest.mark.parametrize("read", READERS)
@pytest.mark.parametrize("mark", MARKED)
@pytest.mark.parametrize("stated", [AUTO, "gb18030", "utf-8"])
def test_a_byte_order_mark_decides(tmp_path: Path, read: Read, mark: str, stated: str) -> None:
    recorder = Recorder()
    corpus = read([written(tmp_path, MARKED[mark])], encoding=stated, progress=recorder)
    assert rows_of(corpus) == ROWS
    assert not recorder.said


@pytest.mark.parametrize("read", READERS)
@pytest.mark.parametrize("suffix", [".csv", ".tsv", ".jsonl", ".txt"])
@pytest.mark.parametrize(("encoding", "text"), OTHERS.items())
def test_a_stated_encoding_is_taken(
    tmp_path: Path, read: Read, suffix: str, encoding: str, text: str
) -> None:
    line = {
        ".csv": f'text,label\r"{text}",a\r"{text}2",b\r',
        ".tsv": f"text\tlabel\n{text}\ta\n{text}2\tb\n",
        ".jsonl": f'{{"text": "{text}", "label": "a"}}\n{{"text": "{text}2", "label": "b"}}\n',
        ".txt": f"{text}\n{text}2\n",
    }[suffix]
    path = written(tmp_path, line.encode(encoding), f"a{suffix}")
    corpus = read([path], encoding=encoding)
    assert list(corpus.texts) == [text, f"{text}2"]
    assert list(corpus.texts[1:]) == [f"{text}2"]


def test_texts_in_utf_16_stay_in_their_file(tmp_path: Path) -> None:
    lines = [f"房间 {number}" for number in range(10_000)]
    path = written(tmp_path, "\n".join(["text,label", *(f"{x},a" for x in lines)]).encode("utf-16"))
    corpus = open_corpus([path])
    assert corpus.texts[9_999] == "房间 9999"
    assert corpus.texts[0] == "房间 0"
    path.write_bytes(b"")
    with pytest.raises(InvalidInputError, match="must stay the file"):
        corpus.texts[1]


def test_the_rows_of_a_file_in_gb18030_are_found_again(tmp_path: Path) -> None:
    files = read_labelled_files([written(tmp_path, TABLE.encode("gb18030"))])
    assert files.original_rows([2]) == {2: {"text": "服务员态度\n一流！", "label": "好"}}


@pytest.mark.parametrize("read", READERS)
def test_a_broken_line_of_gb18030_is_a_malformed_row(tmp_path: Path, read: Read) -> None:
    """As where a database cut a text in the middle of a character."""
    lines = [f"房间很干净 {number},a".encode("gb18030") for number in range(30)]
    lines[20] = lines[20][:5] + b",a"
    path = written(tmp_path, b"\n".join([b"text,label", *lines]))
    with pytest.raises(InvalidInputError, match=r"a\.csv:22: must be GB18030.*1 of 30 rows"):
        read([path])
    assert len(read([path], bad_rows="skip")) == 29


@pytest.mark.parametrize("read", READERS)
def test_a_broken_line_of_utf_8_is_a_malformed_row(tmp_path: Path, read: Read) -> None:
    lines = [f"房间很干净 {number},a" for number in range(30)]
    content = "\n".join(["text,label", *lines]).encode() + "\n很好,a".encode("gb18030")
    path = written(tmp_path, content)
    with pytest.raises(InvalidInputError, match=r"a\.csv:32: must be UTF-8.*1 of 31 rows"):
        read([path])
    assert len(read([path], bad_rows="skip")) == 30


def test_utf_8_that_is_stated_is_not_gb18030(tmp_path: Path) -> None:
    path = written(tmp_path, TABLE.encode("gb18030"))
    with pytest.raises(InvalidInputError, match=r"a\.csv:2: must be UTF-8"):
        read_corpus([path], encoding="utf-8")


def test_half_a_file_in_utf_16_is_refused(tmp_path: Path) -> None:
    path = written(tmp_path, "房间\n早餐".encode("utf-16")[:-1], "a.txt")
    with pytest.raises(InvalidInputError, match=r"a\.txt: must be text in UTF-16.*near line 2"):
        read_texts(path)


def test_utf_16_without_a_mark_is_read_when_it_is_stated(tmp_path: Path) -> None:
    path = written(tmp_path, TABLE.encode("utf-16-le"))
    with pytest.raises(InvalidInputError, match="`--encoding utf-16le`"):
        read_corpus([path])
    assert rows_of(read_corpus([path], encoding="utf-16le")) == ROWS


@pytest.mark.parametrize("name", ["", "utf-99", "hex", "rot13", "idna", "zip", "a\0b", "编码"])
def test_an_unknown_encoding_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(InvalidInputError, match="`encoding` must be auto or the name of a text"):
        read_texts(written(tmp_path, b"a\n"), encoding=name)


@pytest.mark.parametrize(("encoding", "text"), OTHERS.items())
def test_other_encodings_are_not_taken_for_gb18030(encoding: str, text: str) -> None:
    content = text.encode(encoding)
    assert not is_gb18030(content)
    assert codec_of(encoding_of(content)) == codec_of(encoding)


def test_single_reviews_are_taken_for_gb18030(demo_reviews: list[str]) -> None:
    taken = sum(is_gb18030(review.encode("gb18030")) for review in demo_reviews)
    assert taken >= 0.99 * len(demo_reviews)


@pytest.fixture(scope="module")
def demo_reviews() -> list[str]:
    from lstm_sentiment.text.corpus.demo import load_demo_corpus

    texts = load_demo_corpus().texts
    return [text for text in texts[:200] if any("\u4e00" <= letter <= "\u9fff" for letter in text)]


@given(st.lists(st.text(st.sampled_from("房间很干净,\"\n\r\taé'。一"), max_size=6), min_size=1))
def test_text_in_utf_8_is_never_read_otherwise(
    tmp_path_factory: pytest.TempPathFactory, cells: list[str]
) -> None:
    path = tmp_path_factory.mktemp("any") / "a.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([["text"], *([cell + "x"] for cell in cells)])
    assert read_texts(path) == read_texts(path, encoding="utf-8")


@pytest.mark.parametrize("read", READERS)
@pytest.mark.parametrize("separator", [";", "\t"])
def test_a_csv_file_may_have_other_separators(tmp_path: Path, read: Read, separator: str) -> None:
    content = TABLE.replace(",", separator)
    assert rows_of(read([written(tmp_path, content.encode("gb18030"))])) == ROWS
    one = written(tmp_path, b"text\nx;y\n", "b.csv")
    assert read_texts(one) == ["x;y"]
    commas = written(tmp_path, b"text;a,b\nx;y,z\n", "c.csv")
    assert read_texts(commas, text_column="text;a") == ["x;y"]
