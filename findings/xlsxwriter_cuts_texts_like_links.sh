#!/usr/bin/env bash
# One would guess: a text in a DataFrame is written to a workbook as it is. `to_excel` of pandas and
# `write_excel` of Polars write data, and a text is data, whatever it begins with.
#
# What happens: both use XlsxWriter, which takes a text that begins like a link for a link. Of a text that
# begins with `internal:`, `external:`, `mailto:` or `file://`, the cell holds only what follows: the
# beginning is gone. A text that begins with http:// and has more than 2,079 characters, however much of it
# is no address, is left out, and the cell is empty (a Python warning names it). Under pandas a text that
# begins with = becomes a formula with the value 0; Polars switches that off. openpyxl, which pandas uses
# where XlsxWriter is not installed, keeps the texts like links, but loses the text that begins with =.
# So the installation of one more package changes what `to_excel` writes.
#
# Versions: xlsxwriter 3.3.1, openpyxl 3.1.5, pandas 3.1.1, polars 2.1.0.
#
# Why it matters: people label and review texts in workbooks. E-mails, tickets and notes that begin with
# `internal:` or `external:` come back without the word that may decide their class; the reviewer sees no
# gap, and no error is raised. With pandas, name engine="openpyxl", or give XlsxWriter
# `engine_kwargs={"options": {"strings_to_urls": False, "strings_to_formulas": False}}`.
#
# Seen on Linux x86-64, Python 3.11 (each text that changed, then the cell's value as openpyxl reads it):
#   pandas, no engine named: 'internal: do not share' -> ' do not share'
#   pandas, no engine named: 'external:client is angry' -> 'client is angry'
#   pandas, no engine named: 'mailto:desk@example.org was rude' -> 'desk@example.org was rude'
#   pandas, no engine named: 'file://broken link' -> 'broken link'
#   pandas, no engine named: 'http://example.org and 2,100 xxx' -> None
#   pandas, no engine named: '=) lovely' -> 0
#   polars: 'internal: do not share' -> ' do not share'
#   polars: 'external:client is angry' -> 'client is angry'
#   polars: 'mailto:desk@example.org was rude' -> 'desk@example.org was rude'
#   polars: 'file://broken link' -> 'broken link'
#   polars: 'http://example.org and 2,100 xxx' -> None
#   pandas, openpyxl: '=) lovely' -> None
#   pandas, xlsxwriter with both options off: all kept
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

python3 -m venv "$folder/env"
"$folder/env/bin/pip" install --quiet --disable-pip-version-check \
  xlsxwriter==3.3.1 openpyxl==3.1.5 pandas==3.1.1 polars==2.1.0

cat >"$folder/links.py" <<'PYTHON'
"""Writes texts to workbooks and reads the cells back."""
import warnings

import openpyxl
import pandas as pd
import polars as pl

warnings.simplefilter("ignore")
TEXTS = [
    "internal: do not share",
    "external:client is angry",
    "mailto:desk@example.org was rude",
    "file://broken link",
    "http://example.org and 2,100 " + "x" * 2100,
    "=) lovely",
]
OFF = {"options": {"strings_to_urls": False, "strings_to_formulas": False}}


def cells(name, write):
    """Returns the values of the cells that a writer wrote, and prints those that are not the text."""
    write("texts.xlsx")
    sheet = openpyxl.load_workbook("texts.xlsx", data_only=True).active
    values = [sheet.cell(row, 1).value for row in range(2, len(TEXTS) + 2)]
    changed = [(text, value) for text, value in zip(TEXTS, values, strict=True) if text != value]
    for text, value in changed:
        print(f"{name}: {text[:32]!r} -> {value!r}")
    if not changed:
        print(f"{name}: all kept")
    return values


frame = pd.DataFrame({"text": TEXTS})
by_default = cells("pandas, no engine named", lambda file: frame.to_excel(file, index=False))
by_polars = cells("polars", lambda file: pl.DataFrame({"text": TEXTS}).write_excel(file))
by_openpyxl = cells("pandas, openpyxl", lambda file: frame.to_excel(file, index=False, engine="openpyxl"))
by_options = cells(
    "pandas, xlsxwriter with both options off",
    lambda file: frame.to_excel(file, index=False, engine="xlsxwriter", engine_kwargs=OFF),
)
cut = [" do not share", "client is angry", "desk@example.org was rude", "broken link", None]
assert by_default == [*cut, 0]
assert by_polars == [*cut, TEXTS[-1]]
assert by_openpyxl == [*TEXTS[:-1], None]
assert by_options == TEXTS
PYTHON
cd "$folder"
env/bin/python links.py
