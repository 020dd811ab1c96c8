#!/usr/bin/env bash
# One would guess: `ray.data.read_text` makes a row of each line of a text file, like a loop over the opened file
# in Python, `wc -l` and the text readers of other libraries.
#
# What happens: it reads the file as one text and splits it with `str.splitlines`, which also splits at a vertical
# tab, a form feed, three separators of ASCII, the control character U+0085 and Unicode's line and paragraph separators.
# Three reviews with such characters inside become seven rows, and the number of rows is no longer the number of lines.
# A line of nothing but spaces is dropped, an ideographic one included, as `drop_empty_lines` is True by default.
# Ray 2.40 split at the line feed alone; 2.48 and all later versions that were looked at do not.
#
# Versions: ray 2.60.0.
#
# Why it matters: the line separator U+2028 comes into reviews from web forms, phones and JSON, the form feed from
# PDFs and the vertical tab from slides and spreadsheets. A file of texts beside a file of labels or ids no longer
# matches it from the first such character on, parts of a text are scored as texts of their own, and the number of
# answers is not the number of questions. Read the bytes with `read_binary_files` and split at the line feed.
#
# Seen on Linux x86-64, Python 3.11:
#   Python: 3 lines, ['great\x0bfilm', 'slow\x0cand\u2028long', '很\x85好']
#   Ray: 7 rows, ['great', 'film', 'slow', 'and', 'long', '很', '好']
#   with a line of one ideographic space between two others: Python 3 lines, Ray 2 rows
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

python3 -m venv "$folder/env"
"$folder/env/bin/pip" install --quiet --disable-pip-version-check "ray[data]==2.60.0"

cat >"$folder/read.py" <<'PYTHON'
"""Reads two files with Python and with Ray Data."""
import ray

TEXTS = ["great\vfilm", "slow\fand\u2028long", "很\u0085好"]
SPACES = ["good", "\u3000", "bad"]


def read(texts):
    """Returns the lines and the rows of a file with these texts."""
    with open("texts.txt", "w", encoding="utf-8", newline="\n") as file:
        file.writelines(text + "\n" for text in texts)
    with open("texts.txt", encoding="utf-8") as file:
        lines = [line.removesuffix("\n") for line in file]
    return lines, [row["text"] for row in ray.data.read_text("texts.txt").take_all()]


ray.init(num_cpus=1, include_dashboard=False, log_to_driver=False, logging_level="ERROR")
ray.data.DataContext.get_current().enable_progress_bars = False
lines, rows = read(TEXTS)
print(f"Python: {len(lines)} lines, {lines}")
print(f"Ray: {len(rows)} rows, {rows}")
assert lines == TEXTS
assert rows == ["great", "film", "slow", "and", "long", "很", "好"]
lines, rows = read(SPACES)
print(f"with a line of one ideographic space between two others: Python {len(lines)} lines, Ray {len(rows)} rows")
assert lines == SPACES
assert rows == ["good", "bad"]
PYTHON
cd "$folder"
export RAY_USAGE_STATS_ENABLED=0
timeout 240 env/bin/python read.py 2>log || { cat log; exit 1; }
