"""Excel workbooks, as people and programs write them."""

import datetime
import gzip
import io
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from openpyxl.worksheet.worksheet import Worksheet

from lstm_sentiment import InvalidInputError, open_corpus, read_corpus, read_texts
from lstm_sentiment.labels.labelled_files import read_labelled_files
from lstm_sentiment.text.corpus.record_files import text_rows
from tests.recorder import Recorder
from tests.text.corpus.test_encodings import rows_of

ROWS: list[Sequence[Any]] = [("text", "label"), ("很好", 1), ("太差", 0)]
WANTED = [("很好", "1"), ("太差", "0")]


def workbook(
    path: Path,
    *sheets: Sequence[Sequence[Any]],
    change: Callable[[Worksheet], None] = lambda sheet: None,
) -> Path:
    book = openpyxl.Workbook()
    book.remove(book.worksheets[0])
    for number, rows in enumerate(sheets, start=1):
        sheet = book.create_sheet(f"Sheet {number}")
        for row in rows:
            sheet.append(list(row))
        change(sheet)
    book.save(path)
    return path


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "a.xlsx"


def test_a_sheet_is_a_table(path: Path) -> None:
    assert rows_of(read_corpus([workbook(path, ROWS)])) == WANTED
    assert rows_of(read_corpus([path.parent])) == WANTED
    packed = path.with_name("b.xlsx.gz")
    packed.write_bytes(gzip.compress(path.read_bytes()))
    assert rows_of(read_corpus([packed])) == WANTED


def test_numbers_dates_and_booleans_are_what_excel_shows(path: Path) -> None:
    day = datetime.datetime(2024, 1, 2)
    cells = [1.0, 2.5, True, day, day.replace(hour=3), datetime.time(4, 5), 10**15, " x "]
    workbook(path, [("n", "text"), *enumerate(cells)])
    assert read_texts(path) == [
        "1",
        "2.5",
        "True",
        "2024-01-02",
        "2024-01-02 03:00:00",
        "04:05:00",
        "1000000000000000",
        " x ",
    ]


def test_empty_rows_count_between_others_alone(path: Path) -> None:
    rows = [(), ("label", "text"), (1, "很好"), (), (None, "  "), (0, "太差"), (), (None, None)]
    workbook(path, rows)
    assert read_texts(path) == ["很好", "", "  ", "太差"]
    recorder = Recorder()
    assert rows_of(read_corpus([path], progress=recorder)) == WANTED
    assert recorder.said == [
        f"{path}: left out 2 rows that hold neither a text nor a label",
    ]


def test_the_first_sheet_with_data_is_read_and_others_are_named(path: Path) -> None:
    workbook(path, [], ROWS, [("说明",)], [])
    recorder = Recorder()
    assert rows_of(read_corpus([path], progress=recorder)) == WANTED
    (said,) = recorder.said
    assert said == (
        f"{path}: read the sheet 'Sheet 2', the first one that holds data; not read: 'Sheet 3'"
    )
    files = read_labelled_files([path])
    assert files.original_rows([2]) == {2: {"text": "太差", "label": "0"}}


def test_a_hidden_sheet_is_passed_over(path: Path) -> None:
    def hide(sheet: Worksheet) -> None:
        sheet.sheet_state = "hidden" if sheet.title == "Sheet 1" else "visible"

    workbook(path, [("x",), ("y",)], ROWS, change=hide)
    assert rows_of(read_corpus([path])) == WANTED


@pytest.mark.parametrize(
    ("sheets", "told"),
    [
        ([[("2024年酒店评论",), *ROWS]], "Row 2 holds these names: delete the rows above it"),
        ([[("说明",)], ROWS], "It is the sheet 'Sheet 1'. If another one is meant ('Sheet 2'), "),
        ([[("很好", 1)]], "The first row must hold the names of the columns"),
    ],
)
def test_a_first_row_without_the_names_is_refused_with_what_to_do(
    path: Path, sheets: list[Any], told: str
) -> None:
    workbook(path, *sheets)
    with pytest.raises(
        InvalidInputError, match=r"a\.xlsx: row 1: the column 'text' must "
    ) as error:
        read_corpus([path])
    assert told in str(error.value)


def test_of_merged_cells_the_first_has_the_value(path: Path) -> None:
    workbook(path, [*ROWS, ("还行", None)], change=lambda sheet: sheet.merge_cells("B3:B4"))
    with pytest.raises(InvalidInputError, match=r"row 4: a label must be"):
        read_corpus([path])
    assert rows_of(read_corpus([path], bad_rows="skip")) == WANTED


def test_error_values_are_malformed_rows(path: Path) -> None:
    workbook(path, [*ROWS, ("#REF!", 1)])
    with pytest.raises(
        InvalidInputError, match=r"a\.xlsx: row 4: a cell must hold a value.*error #REF!"
    ):
        read_corpus([path])
    assert rows_of(read_corpus([path], bad_rows="skip")) == WANTED


def test_a_formula_without_a_value_is_refused(path: Path) -> None:
    workbook(path, [*ROWS, ('="很" & "好"', 1)])
    with pytest.raises(InvalidInputError, match=r"row 4: a formula must have a value"):
        read_texts(path)
    # Where nobody reads it, it does no harm.
    workbook(path, [("text", "label", "n"), ("很好", 1, "=1+1"), ("太差", 0, "=A1")])
    assert rows_of(read_corpus([path])) == WANTED


def test_a_formula_without_a_value_beside_the_texts_is_told(path: Path) -> None:
    workbook(path, [("text", "n", "m"), ("很好", 2, None), ("太差", "=B2", "=B3")])
    recorder = Recorder()
    rows = list(text_rows(path, "text", progress=recorder))
    assert [row.values["n"] for row in rows] == [2, None]
    (told,) = recorder.said
    assert "row 3: the formula in the column 'n' has no value" in told
    recorder = Recorder()
    list(text_rows(workbook(path, [("text", "n"), ("很好", None)]), "text", progress=recorder))
    assert recorder.said == []


def test_a_carriage_return_is_read_as_excel_means_it(path: Path) -> None:
    workbook(path, [("text",), ("a_x000D_\nb",)])
    assert read_texts(path) == ["a\r\nb"]


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "another kind of file"),
        (b"text,label\na,1\n", "a name that ends in .csv, .tsv or .txt"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(504), "a workbook with a password"),
        (b"<html><table>", "a web page"),
        (b"PK\x03\x04" + bytes(40), "is no Excel workbook that can be read"),
    ],
)
def test_what_is_no_workbook_is_refused_in_one_line(path: Path, content: bytes, told: str) -> None:
    path.write_bytes(content)
    with pytest.raises(InvalidInputError) as error:
        read_texts(path)
    assert str(error.value).startswith(f"{path}: ")
    assert told in str(error.value)
    assert "\n" not in str(error.value)


def test_half_a_workbook_is_refused(path: Path) -> None:
    workbook(path, [*ROWS, *([("很好", 1)] * 2_000)])
    whole = path.read_bytes()
    for end in range(0, len(whole), len(whole) // 40):
        path.write_bytes(whole[:end])
        with pytest.raises(InvalidInputError, match=r"a\.xlsx: "):
            read_texts(path)
        path.write_bytes(whole[:end] + bytes(64) + whole[end + 64 :])
        try:
            read_texts(path)
        except InvalidInputError as error:
            assert str(error).startswith(f"{path}: ")


def test_texts_cannot_stay_in_a_workbook(path: Path) -> None:
    with pytest.raises(InvalidInputError, match=r"texts can stay in \.csv.*only"):
        open_corpus([workbook(path, ROWS)])


@pytest.mark.parametrize("suffix", [".xls", ".xlsm", ".xlsb", ".ods", ".et"])
def test_other_workbooks_are_named_with_what_to_do(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"a{suffix}"
    path.write_bytes(io.BytesIO(b"PK").getvalue())
    for read in (lambda: read_corpus([path]), lambda: read_texts(path)):
        with pytest.raises(InvalidInputError, match=r"must be a \.xlsx or \.csv file: save it"):
            read()


def test_without_openpyxl_the_extra_is_named(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    workbook(path, ROWS)
    monkeypatch.setitem(sys.modules, "openpyxl", None)
    with pytest.raises(InvalidInputError, match=r"pip install 'lstm-sentiment\[excel\]'"):
        read_texts(path)
