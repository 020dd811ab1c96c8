#!/usr/bin/env bash
# One would guess: a Polars table is an Arrow table. `pyarrow.table(frame)`, which reads it through Arrow's own C
# interface, gives what `frame.to_arrow()` gives, and an Arrow file that Polars wrote is one that pyarrow works with.
#
# What happens: through the interface, and in the file, texts have the type `string_view`; only `to_arrow()`
# makes them `large_string`. pyarrow counts and groups string views. All else that the script tries raises
# ArrowNotImplementedError, ArrowTypeError or ArrowInvalid: comparing with a text, filtering, sorting, joining,
# `take`, `drop_null`, lower case, concatenating with another table and writing CSV.
#
# Versions: polars 2.1.0, pyarrow 26.0.1.
#
# Why it matters: libraries that take "any table" take it by that interface, so the same rows work as pandas table,
# as Arrow table and with `to_arrow()`, and fail as a Polars table at the first filter, which may be far from
# where the table came in. Cast texts when they come in, or write files with `compat_level=pl.CompatLevel.oldest()`.
#
# Seen on Linux x86-64, Python 3.11:
#   frame.to_arrow(): large_string; fails: nothing
#   pyarrow.table(frame): string_view; fails: compare, concatenate, drop nulls, filter, join, lower case, sort, take, write CSV
#   frame.write_ipc(): string_view; fails: compare, concatenate, drop nulls, filter, join, lower case, sort, take, write CSV
#   frame.write_ipc(compat_level=oldest): large_string; fails: nothing
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

python3 -m venv "$folder/env"
"$folder/env/bin/pip" install --quiet --disable-pip-version-check polars==2.1.0 pyarrow==26.0.1

cat >"$folder/views.py" <<'PYTHON'
"""Tries pyarrow's functions on one Polars table that reached it in four ways."""
import io

import polars as pl
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv

frame = pl.DataFrame({"text": ["good", "bad", None, "good"], "label": [1, 0, 0, 1]})
OTHER = pa.table({"text": ["fine"], "label": [1]})
CALLS = {
    "compare": lambda table: pc.equal(table["text"], "good"),
    "concatenate": lambda table: pa.concat_tables([table, OTHER], promote_options="permissive"),
    "count": lambda table: pc.value_counts(table["text"]),
    "drop nulls": lambda table: table.drop_null(),
    "filter": lambda table: table.filter(pc.field("text") == "good"),
    "group": lambda table: table.group_by("text").aggregate([("label", "sum")]),
    "join": lambda table: table.join(table, "text"),
    "lower case": lambda table: pc.utf8_lower(table["text"]),
    "sort": lambda table: table.sort_by("text"),
    "take": lambda table: table.take([0]),
    "write CSV": lambda table: pyarrow.csv.write_csv(table, io.BytesIO()),
}


def of_file(**options):
    """Returns the table that pyarrow reads from an Arrow file that Polars wrote."""
    file = io.BytesIO()
    frame.write_ipc(file, **options)
    return pa.ipc.open_file(file.getvalue()).read_all()


def fails(call, table):
    """Returns whether a call raises one of Arrow's exceptions."""
    try:
        call(table)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError, pa.ArrowTypeError):
        return True
    return False


WAYS = {
    "frame.to_arrow()": frame.to_arrow(),
    "pyarrow.table(frame)": pa.table(frame),
    "frame.write_ipc()": of_file(),
    "frame.write_ipc(compat_level=oldest)": of_file(compat_level=pl.CompatLevel.oldest()),
}
found = {}
for name, table in WAYS.items():
    failed = [call for call, function in CALLS.items() if fails(function, table)]
    kind = str(table.schema.field("text").type)
    print(f"{name}: {kind}; fails: {', '.join(failed) or 'nothing'}")
    found[name] = (kind, failed)
without = [call for call in CALLS if call not in ("count", "group")]
assert found["frame.to_arrow()"] == found["frame.write_ipc(compat_level=oldest)"] == ("large_string", [])
assert found["pyarrow.table(frame)"] == found["frame.write_ipc()"] == ("string_view", without)
PYTHON
"$folder/env/bin/python" "$folder/views.py"
