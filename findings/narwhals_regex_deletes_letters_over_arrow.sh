#!/usr/bin/env bash
# One would guess: narwhals gives one answer for one expression, whichever library holds the table. A regular
# expression that cleans texts over pandas or Polars cleans them over Arrow and DuckDB too.
#
# What happens: narwhals passes the pattern to the library below, and these libraries have two kinds of regular
# expressions. In pandas (Python's `re`) and Polars (Rust's `regex`), \w, \d, \s and \b know Unicode. In Arrow and DuckDB
# (RE2) they know ASCII only. So `replace_all(r"\W+", " ")`, which removes punctuation from a Chinese text over pandas, removes the
# Chinese text over Arrow, and cuts every word at its accents. There is no error and no warning.
#
# Versions: narwhals 2.29.0, pandas 3.1.1, polars 2.1.0, pyarrow 26.0.1, duckdb 2.0.1.
#
# Why it matters: a library that takes "any table" through narwhals is tested with one or two kinds of table,
# mostly with English texts, where all agree. A user with an Arrow table then trains on empty texts, or on
# "d j vu" for "déjà vu". Write what is meant: `[^\pL\pN]+` is understood alike by Polars, Arrow and DuckDB (but
# not by pandas), or take the texts out and clean them in Python.
#
# Seen on Linux x86-64, Python 3.11 (replace_all(r"\W+", " "), then contains(r"^\d$")):
#   pandas: ['房间很好', 'déjà vu', 'naïve '] [True, True]
#   polars: ['房间很好', 'déjà vu', 'naïve '] [True, True]
#   pyarrow: [' ', 'd j vu', 'na ve '] [True, False]
#   duckdb: [' ', 'd j vu', 'na ve '] [True, False]
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

python3 -m venv "$folder/env"
"$folder/env/bin/pip" install --quiet --disable-pip-version-check \
  narwhals==2.29.0 pandas==3.1.1 polars==2.1.0 pyarrow==26.0.1 duckdb==2.0.1

cat >"$folder/clean.py" <<'PYTHON'
"""Cleans the same texts with the same expression over four kinds of table."""
import duckdb
import narwhals as nw
import pandas as pd
import polars as pl
import pyarrow as pa

TEXTS = {"text": ["房间很好", "déjà vu", "naïve!"]}
DIGITS = {"text": ["7", "٧"]}  # the second is Arabic
KINDS = {
    "pandas": pd.DataFrame,
    "polars": pl.DataFrame,
    "pyarrow": pa.table,
    "duckdb": lambda columns: duckdb.from_arrow(pa.table(columns)),
}


def column(native, expression):
    """Returns the values of one expression over a table."""
    return nw.from_native(native).lazy().select(answer=expression).collect()["answer"].to_list()


found = {}
for name, table in KINDS.items():
    cleaned = column(table(TEXTS), nw.col("text").str.replace_all(r"\W+", " "))
    digits = column(table(DIGITS), nw.col("text").str.contains(r"^\d$"))
    print(f"{name}: {cleaned} {digits}")
    found[name] = (cleaned, digits)
assert found["pandas"] == found["polars"] == (["房间很好", "déjà vu", "naïve "], [True, True])
assert found["pyarrow"] == found["duckdb"] == ([" ", "d j vu", "na ve "], [True, False])

by_class = {name: column(table(TEXTS), nw.col("text").str.replace_all(r"[^\pL\pN]+", " "))
            for name, table in KINDS.items() if name != "pandas"}
assert all(texts == ["房间很好", "déjà vu", "naïve "] for texts in by_class.values())
PYTHON
PYTHONUTF8=1 "$folder/env/bin/python" "$folder/clean.py"
