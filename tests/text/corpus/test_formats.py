"""One table gives one corpus, to the digest, whatever wrote it in whatever format."""

import datetime
import re
import tempfile
from collections.abc import Callable
from contextlib import suppress
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow
import pytest
from hypothesis import event, example, given, settings
from hypothesis import strategies as st

from lstm_sentiment import Corpus, InvalidInputError, open_corpus, read_corpus, read_texts
from tests.recorder import Recorder
from tests.text.corpus.table_writers import WRITERS, can_write, write

# A carriage return alone is left out: pandas does not quote it, though it ends a line of CSV.
TEXTS = st.lists(
    st.sampled_from([*"好差ab1, \t\n\"'\\;|#\u2028é😀0.", "\r\n", '""']), max_size=8
).map("".join)
TEXT_LABELS = ("007", "+1", "-1", "0x1A", "1e5", "3.50", "N/A", "#1", "a,b", "a;b", "'b'", 'a "b"')
NAMES = st.sampled_from([*TEXT_LABELS, "pos", "中性", " x ", "1", "1.0", "2", "true", "True"])

# What each kind of column may hold; a missing value is added to all.
# Left out is what writers write in ways that cannot be told apart in a text: floating-point numbers
# that are whole (`1`, `1.0`) or have an exponent, and NaN (`nan`, `NaN` or nothing).
TEXT_KINDS: dict[str, tuple[pyarrow.DataType, st.SearchStrategy[Any]]] = {
    "string": (pyarrow.string(), TEXTS),
    "large_string": (pyarrow.large_string(), TEXTS),
    "string_view": (pyarrow.string_view(), TEXTS),
    "dictionary": (pyarrow.dictionary(pyarrow.int8(), pyarrow.string()), TEXTS),
    "binary": (pyarrow.binary(), TEXTS.map(str.encode)),
    "int": (pyarrow.int64(), st.integers(-(2**50), 2**50)),
    "float": (pyarrow.float64(), st.sampled_from([0.5, -2.5, 3.25])),
    "null": (pyarrow.null(), st.none()),
}
LABEL_KINDS: dict[str, tuple[pyarrow.DataType, st.SearchStrategy[Any]]] = {
    "string": (pyarrow.string(), NAMES),
    "large_string": (pyarrow.large_string(), NAMES),
    "dictionary": (pyarrow.dictionary(pyarrow.int8(), pyarrow.string()), NAMES),
    "binary": (pyarrow.binary(), NAMES.map(str.encode)),
    "bool": (pyarrow.bool_(), st.booleans()),
    "int8": (pyarrow.int8(), st.integers(-2, 5)),
    "int64": (pyarrow.int64(), st.sampled_from([0, 1, 5, -1, 2**40])),
    "float64": (pyarrow.float64(), st.sampled_from([0.0, 1.0, -1.0, 4.5, 0.1, float("nan")])),
    "float32": (pyarrow.float32(), st.sampled_from([0.0, 1.0, -1.0, 4.5])),
    "decimal": (
        pyarrow.decimal128(5, 1),
        st.sampled_from(list(map(Decimal, ("1.0", "0.0", "2.5")))),
    ),
}
BESIDE: list[tuple[pyarrow.DataType, Any]] = [
    (pyarrow.list_(pyarrow.int64()), [1, 2]),
    (pyarrow.struct({"text": pyarrow.string()}), {"text": "x"}),
    (pyarrow.timestamp("ns"), datetime.datetime(2024, 1, 2, 3, 4, 5)),
    (pyarrow.date32(), datetime.date(2024, 1, 2)),
]


@st.composite
def tables(draw: st.DrawFn) -> pyarrow.Table:
    rows = draw(st.integers(1, 6))
    has_gaps = draw(st.booleans())
    columns = {}
    for name, kinds in (("text", TEXT_KINDS), ("label", LABEL_KINDS)):
        chosen = draw(st.sampled_from(sorted(kinds)))
        kind, values = kinds[chosen]
        # Of whole numbers with gaps, pandas makes floating-point numbers: another text.
        with_gaps = has_gaps and (name, chosen) != ("text", "int")
        values = values | st.none() if with_gaps else values
        columns[name] = pyarrow.array(
            draw(st.lists(values, min_size=rows, max_size=rows)), type=kind
        )
    beside = draw(st.none() | st.sampled_from(BESIDE))
    if beside is not None:
        columns["beside"] = pyarrow.array([beside[1]] * rows, type=beside[0])
    return pyarrow.table(columns)


_COUNT = re.compile(r"\d+ rows")


def outcome(read: Callable[[list[Path]], Corpus], path: Path) -> Any:
    """The digest of a file's corpus, or the rule that it breaks, without the place."""
    try:
        return read([path]).fingerprint()
    except InvalidInputError as error:
        assert "\n" not in str(error)
        rule = re.sub(r"\. Received: .*? in ", ". in ", str(error).removeprefix(str(path)))
        return re.sub(r"^:? ?(row )?\d*: |\(.*?\)", "", rule)


def is_doubtful(path: Path) -> bool:
    """Whether it is told that quotes of a TSV file may enclose several lines."""
    recorder = Recorder()
    with suppress(InvalidInputError):
        read_texts(path, progress=recorder)
    return any("quotes are read as part of the texts" in said for said in recorder.said)


@settings(max_examples=60)
@given(tables())
@example(pyarrow.table({"text": ["x", "y", None], "label": pyarrow.array([1, 0, None])}))
@example(pyarrow.table({"text": ["x", None, "y"], "label": pyarrow.array([True, False, True])}))
@example(pyarrow.table({"text": ['a\n"b"', "c\td"], "label": ["1", "1.0"]}))
def test_one_table_is_one_corpus_in_every_format(table: pyarrow.Table) -> None:
    event(", ".join(str(field.type) for field in table.schema))
    with tempfile.TemporaryDirectory() as folder:
        found = {}
        for name in WRITERS:
            if can_write(name, table):
                path = write(name, table, Path(folder))
                if path.suffix == ".tsv" and is_doubtful(path):
                    continue
                found[name] = outcome(read_corpus, path)
                if path.suffix not in (".parquet", ".xlsx"):
                    assert outcome(open_corpus, path) == found[name], name
        wanted = found["pyarrow, Parquet"]
        for name, corpus in found.items():
            same = corpus == wanted
            if WRITERS[name][0] == ".xlsx" and isinstance(corpus, str):
                # Rows without a value at the end of a sheet are not counted.
                same = _COUNT.sub("rows", corpus) == _COUNT.sub("rows", str(wanted))
            assert same, f"{name}: {corpus}, and not as in Parquet: {wanted}"


@settings(max_examples=20)
@given(tables())
def test_texts_without_labels_are_the_same_too(table: pyarrow.Table) -> None:
    with tempfile.TemporaryDirectory() as folder:
        wanted = None
        for name in (name for name in reversed(WRITERS) if can_write(name, table)):
            path = write(name, table, Path(folder))
            if path.suffix == ".tsv" and is_doubtful(path):
                continue
            texts = [text.strip() for text in read_texts(path)]
            wanted = texts if wanted is None else wanted
            if path.suffix == ".xlsx":  # rows at the end of a sheet without a value are no rows
                texts += [""] * (len(wanted) - len(texts))
            assert texts == wanted, name


def test_booleans_are_texts_as_pandas_and_python_write_them(tmp_path: Path) -> None:
    table = pyarrow.table({"text": [True, False], "label": ["1", "0"]})
    for name in ("csv", "pandas, CSV", "Polars, JSONL", "pyarrow, Parquet"):
        assert read_corpus([write(name, table, tmp_path)]).texts == ("True", "False"), name


def test_dates_are_labels_as_csv_holds_them(tmp_path: Path) -> None:
    dates = [datetime.date(2024, 1, 2), datetime.date(2024, 1, 3)]
    table = pyarrow.table({"text": ["x", "y"], "label": pyarrow.array(dates)})
    names = (
        "csv",
        "pandas, CSV",
        "Polars, CSV",
        "pyarrow, CSV",
        "Polars, JSONL",
        "openpyxl",
        "pandas, Excel",
        "pyarrow, Parquet",
    )
    corpora = [read_corpus([write(name, table, tmp_path)]) for name in names]
    assert all(corpus == corpora[0] for corpus in corpora)
    assert corpora[0].label_names == ("2024-01-02", "2024-01-03")


def test_a_short_float_is_the_number_that_csv_holds(tmp_path: Path) -> None:
    table = pyarrow.table(
        {"text": ["x", "y"], "label": pyarrow.array([0.1, 4.5], pyarrow.float32())}
    )
    for name in ("pandas, CSV", "Polars, CSV", "pyarrow, CSV", "pyarrow, Parquet"):
        assert read_corpus([write(name, table, tmp_path)]).label_names == ("0.1", "4.5")


@pytest.mark.parametrize(
    ("column", "told"),
    [
        (pyarrow.array([["a"], ["b"]]), "must hold text, numbers or booleans. Received: list"),
        (pyarrow.array([{"a": 1}] * 2), "must hold text, numbers or booleans. Received: struct"),
        (
            pyarrow.array([datetime.datetime(2024, 1, 2)] * 2),
            "must hold text, numbers or booleans. Received: timestamp",
        ),
        (pyarrow.array([2.0**53, 2.0**53 + 2]), "row 1: a label that is a floating-point number"),
        (pyarrow.array([b"\xff", b"a"]), r"row 1: a label must be a number"),
    ],
)
def test_what_cannot_be_a_label_in_every_format_is_told_in_one_line(
    tmp_path: Path, column: pyarrow.Array, told: str
) -> None:
    path = write("pyarrow, Parquet", pyarrow.table({"text": ["x", "y"], "label": column}), tmp_path)
    with pytest.raises(InvalidInputError) as raised:
        read_corpus([path])
    assert str(raised.value).startswith(f"{path}: ")
    assert told in str(raised.value)
    assert "\n" not in str(raised.value)
