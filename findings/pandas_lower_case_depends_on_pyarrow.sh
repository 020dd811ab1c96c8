#!/usr/bin/env bash
# One would guess: `Series.str.lower()` and `str.upper()` of pandas give what Python's `str.lower()` and `str.upper()` give,
# with any version and with any other package installed.
#
# What happens: from pandas 3 on, texts have the type `str`, which keeps them in Arrow if pyarrow is installed, and
# then Arrow changes the case, letter by letter. Without pyarrow, and for columns of objects, Python does it by Unicode's
# full rules. A final Greek sigma, the Turkish capital dotted I, the German sharp s and ligatures come out as other
# texts, some of other length. `str.isdigit` and `str.isnumeric` differ too: with pyarrow a fraction is a digit, and a Chinese
# numeral is not numeric. `str.casefold` is Python's in both.
#
# Versions: pandas 3.1.1 with and without pyarrow 26.0.1, pandas 2.3.3.
#
# Why it matters: a vocabulary that is made of lower-cased texts in a training environment with pyarrow does not hold
# the words that a smaller serving environment without pyarrow, or plain Python, makes of the same texts. Every Greek
# word that ends in sigma is then unknown. Use `series.map(str.lower)`, or `casefold` in both places.
#
# Seen on Linux x86-64, Python 3.11:
#   pandas 3.1.1 with pyarrow: lower σασ istanbul; upper STRAẞE ﬁNE; isdigit ½ True; isnumeric 五 False
#   pandas 3.1.1 alone: lower σας i̇stanbul; upper STRASSE FINE; isdigit ½ False; isnumeric 五 True
#   pandas 2.3.3 with pyarrow: lower σας i̇stanbul; upper STRASSE FINE; isdigit ½ False; isnumeric 五 True
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
export PYTHONUTF8=1

cat >"$folder/case.py" <<'PYTHON'
"""Prints what pandas makes of a few texts."""
import pandas as pd

lower = pd.Series(["ΣΑΣ", "İstanbul"]).str.lower()
upper = pd.Series(["straße", "ﬁne"]).str.upper()
digit, numeric = pd.Series(["½"]).str.isdigit()[0], pd.Series(["五"]).str.isnumeric()[0]
assert pd.Series(["ΣΑΣ"]).str.casefold()[0] == "ΣΑΣ".casefold()
print(f"lower {' '.join(lower)}; upper {' '.join(upper)}; isdigit ½ {digit}; isnumeric 五 {numeric}")
PYTHON

see() { # name of the environment, packages
  python3 -m venv "$folder/$1"
  "$folder/$1/bin/pip" install --quiet --disable-pip-version-check "${@:2}"
  "$folder/$1/bin/python" "$folder/case.py"
}
arrow=$(see arrow pandas==3.1.1 pyarrow==26.0.1)
alone=$(see alone pandas==3.1.1)
before=$(see before pandas==2.3.3 pyarrow==26.0.1)
echo "pandas 3.1.1 with pyarrow: $arrow"
echo "pandas 3.1.1 alone: $alone"
echo "pandas 2.3.3 with pyarrow: $before"
[ "$arrow" = "lower σασ istanbul; upper STRAẞE ﬁNE; isdigit ½ True; isnumeric 五 False" ]
python='lower σας i̇stanbul; upper STRASSE FINE; isdigit ½ False; isnumeric 五 True'
[ "$alone" = "$python" ] && [ "$before" = "$python" ]
