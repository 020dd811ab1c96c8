"""Quotes of a TSV file enclose cells, or are part of the text: its content tells which."""

from pathlib import Path

import pytest

from lstm_sentiment import open_corpus, read_corpus
from tests.corpora import rows_of
from tests.recorder import Recorder


@pytest.mark.parametrize(
    ("content", "texts"),
    [
        ('"好\t1\n不"行\t0\n', ['"好', '不"行']),
        ('"很好"\t1\n差\t0\n', ['"很好"', "差"]),
        (
            '"extreme ops" exceeds\t1\n"""so"" it is"\t0\n"y" z\t0\n',
            ['"extreme ops" exceeds', '"""so"" it is"', '"y" z'],
        ),
        ('"说""好"""\t1\n差\t0\n', ['说"好"', "差"]),
        ('"说""好"""\t1\na\tb\tc\n差\t0\n', ['说"好"', "差"]),
        ('"a\nb"\t1\n差\t0\n', ["a\nb", "差"]),
        ('"a\r\n""b"""\t1\n差\t0\n', ['a\r\n"b"', "差"]),
        ('"a\tb"\t1\n差\t0\n', ["a\tb", "差"]),
        ('""\t1\n差\t0\n', ["", "差"]),
        ('5" and 6"\t1\n差\t0\n', ['5" and 6"', "差"]),
    ],
)
def test_the_content_tells_what_quotes_are(tmp_path: Path, content: str, texts: list[str]) -> None:
    path = tmp_path / "a.tsv"
    path.write_text(f"text\tlabel\n{content}", "utf-8", newline="")
    corpus = read_corpus([path], bad_rows="skip")
    assert open_corpus([path], bad_rows="skip") == corpus
    assert list(corpus.texts) == texts


def test_a_quoted_header_tells_that_all_cells_are(tmp_path: Path) -> None:
    path = tmp_path / "a.tsv"
    path.write_text('"text"\t"label"\n"很好"\t"1"\n"差"\t"0"\n', "utf-8")
    assert rows_of(read_corpus([path])) == [("很好", "1"), ("差", "0")]


def test_what_cannot_be_told_apart_is_told(tmp_path: Path) -> None:
    path = tmp_path / "a.tsv"
    path.write_text('text\tlabel\n好\t1\n"a\tb\nc"\t0\n', "utf-8")
    recorder = Recorder()
    assert rows_of(read_corpus([path], progress=recorder)) == [
        ("好", "1"),
        ('"a', "b"),
        ('c"', "0"),
    ]
    assert recorder.said == [
        f"{path}:4: quotes are read as part of the texts; if they enclose cells of several lines, "
        "write the table as .csv or .jsonl"
    ]
