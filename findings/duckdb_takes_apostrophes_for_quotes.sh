#!/usr/bin/env bash
# One would guess: DuckDB reads a .csv file as RFC 4180 describes it and other readers do: fields may be enclosed in
# double quotes, and an apostrophe is a letter like any other.
#
# What happens: DuckDB finds the quote character from the first rows, and if one field there begins and ends with an
# apostrophe and none is in double quotes, the apostrophe is the quote. 'Lovely' loses its apostrophes and '' becomes
# NULL. Where one row's text begins with an apostrophe and the next row's text ends with one, the two rows become
# one row. The same texts with one field in double quotes among them are read as they are.
#
# Versions: duckdb 2.0.1, pyarrow 26.0.1.
#
# Why it matters: people quote in reviews, chats and headlines, often with apostrophes. Rows disappear without an
# error, the label of the second row becomes part of the text of the first, and whether a file is affected depends
# on its first rows. Name the quote character: read_csv(..., quote = '"').
#
# Seen on Linux x86-64, Python 3.11:
#   quoted.csv: pyarrow [("'Lovely'", 'pos'), ("''", 'neg'), ('So so', 'neg')]
#   quoted.csv: duckdb [('Lovely', 'pos'), (None, 'neg'), ('So so', 'neg')]
#   quoted.csv: duckdb, quote = '"' [("'Lovely'", 'pos'), ("''", 'neg'), ('So so', 'neg')]
#   rows.csv: pyarrow [('pos', "'Good"), ('neg', "bad'")]
#   rows.csv: duckdb [('pos', 'Good\nneg,bad')]
#   rows.csv: duckdb, quote = '"' [('pos', "'Good"), ('neg', "bad'")]
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

python3 -m venv "$folder/env"
"$folder/env/bin/pip" install --quiet --disable-pip-version-check duckdb==2.0.1 pyarrow==26.0.1

printf '%s\n' "text,label" "'Lovely',pos" "'',neg" "So so,neg" >"$folder/quoted.csv"
printf '%s\n' "label,text" "pos,'Good" "neg,bad'" >"$folder/rows.csv"
cat >"$folder/read.py" <<'PYTHON'
"""Reads two files with pyarrow and DuckDB."""
import duckdb
import pyarrow.csv

EXPECTED = {
    "quoted.csv": [("'Lovely'", "pos"), ("''", "neg"), ("So so", "neg")],
    "rows.csv": [("pos", "'Good"), ("neg", "bad'")],
}
FOUND = {
    "quoted.csv": [("Lovely", "pos"), (None, "neg"), ("So so", "neg")],
    "rows.csv": [("pos", "Good\nneg,bad")],
}
for file, rows in EXPECTED.items():
    by_pyarrow = [tuple(row.values()) for row in pyarrow.csv.read_csv(file).to_pylist()]
    by_duckdb = duckdb.sql(f"SELECT * FROM read_csv('{file}')").fetchall()
    named = duckdb.sql(f"""SELECT * FROM read_csv('{file}', quote = '"')""").fetchall()
    print(f"{file}: pyarrow {by_pyarrow}")
    print(f"{file}: duckdb {by_duckdb}")
    print(f"{file}: duckdb, quote = '\"' {named}")
    assert by_pyarrow == named == rows
    assert by_duckdb == FOUND[file]
PYTHON
cd "$folder"
env/bin/python read.py
