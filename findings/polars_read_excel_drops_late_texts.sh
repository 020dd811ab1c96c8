#!/usr/bin/env bash
# One would guess: `polars.read_excel` works like `polars.read_csv`. Both infer a column's type from its first
# rows, and where a later cell does not fit, both raise an error that names the cell. An .xlsx cell even stores
# its own type, so that a text among numbers can be seen for what it is.
#
# What happens: `read_csv` raises ComputeError. `read_excel` makes the cell null, without an error or a warning.
# From 100 numbers on, a text that follows them is lost; if it was the row's only cell, the whole row is gone,
# because empty rows are dropped afterwards. The sample is 100 rows, while fastexcel, which does the reading,
# takes 1,000 by itself. With engine="openpyxl" the same call keeps the text and makes the whole column text.
#
# Versions: polars 2.1.0, fastexcel 0.21.0, openpyxl 3.1.5, xlsxwriter 3.3.1 (which writes the workbook).
#
# Why it matters: people label in workbooks. Ratings 0 and 1 with an "unsure" in row 300, or order numbers with
# letters from some day on, come back as missing values; a step that drops incomplete rows then removes exactly
# the unusual ones. Name the type: `schema_overrides={"label": pl.String}`, or `infer_schema_length=None`.
#
# Seen on Linux x86-64, Python 3.11 (so many numbers, then the label "unsure"; what is in its place):
#   99 numbers: read_csv: unsure; read_excel: unsure; fastexcel: unsure; openpyxl: unsure
#   100 numbers: read_csv: ComputeError; read_excel: None; fastexcel: unsure; openpyxl: unsure
#   1000 numbers: read_csv: ComputeError; read_excel: None; fastexcel: None; openpyxl: unsure
#   1000 numbers, infer_schema_length=None: unsure
#   1000 numbers, schema_overrides: unsure
#   a sheet of one column, 100 numbers and the text: 100 rows
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

python3 -m venv "$folder/env"
"$folder/env/bin/pip" install --quiet --disable-pip-version-check \
  polars==2.1.0 fastexcel==0.21.0 openpyxl==3.1.5 xlsxwriter==3.3.1

cat >"$folder/late.py" <<'PYTHON'
"""Writes numbers and then one text to a workbook and to a CSV file, and reads the text back."""
import warnings
from pathlib import Path

import fastexcel
import polars as pl
import xlsxwriter

warnings.simplefilter("error")
FILE = "labels.xlsx"


def write(numbers):
    """Writes the two files: a header, so many texts with labels 0 and 1, and one with the label `unsure`."""
    rows = [("text", "label"), *((f"text {number}", number % 2) for number in range(numbers)), ("last", "unsure")]
    with xlsxwriter.Workbook(FILE) as workbook:
        sheet = workbook.add_worksheet()
        for number, row in enumerate(rows):
            sheet.write_row(number, 0, row)
    Path("labels.csv").write_text("".join(f"{text},{label}\n" for text, label in rows))


def last(read):
    """Returns the last label that a function reads, or the name of its exception."""
    try:
        return str(read()["label"][-1])
    except pl.exceptions.ComputeError as error:
        return type(error).__name__


READERS = {
    "read_csv": lambda: pl.read_csv("labels.csv"),
    "read_excel": lambda: pl.read_excel(FILE),
    "fastexcel": lambda: fastexcel.read_excel(FILE).load_sheet(0).to_polars(),
    "openpyxl": lambda: pl.read_excel(FILE, engine="openpyxl"),
}
found = {}
for numbers in (99, 100, 1000):
    write(numbers)
    found[numbers] = [last(read) for read in READERS.values()]
    print(f"{numbers} numbers:", "; ".join(f"{name}: {label}" for name, label in zip(READERS, found[numbers], strict=True)))
whole = last(lambda: pl.read_excel(FILE, infer_schema_length=None))
print("1000 numbers, infer_schema_length=None:", whole)
named = last(lambda: pl.read_excel(FILE, schema_overrides={"label": pl.String}))
print("1000 numbers, schema_overrides:", named)
with xlsxwriter.Workbook("column.xlsx") as workbook:
    workbook.add_worksheet().write_column(0, 0, ["label", *([1] * 100), "unsure"])
height = pl.read_excel("column.xlsx").height
print("a sheet of one column, 100 numbers and the text:", height, "rows")
assert height == 100
assert found == {
    99: ["unsure"] * 4,
    100: ["ComputeError", "None", "unsure", "unsure"],
    1000: ["ComputeError", "None", "None", "unsure"],
}
assert whole == named == "unsure"
PYTHON
cd "$folder"
env/bin/python late.py
