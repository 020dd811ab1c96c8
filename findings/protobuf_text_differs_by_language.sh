#!/usr/bin/env bash
# One would guess: protobuf's text format is one format, so that a file that Python's `text_format` reads
# means the same to programs in C++, and the other way round.
#
# What happens: the two parsers differ in both directions. Python refuses text that protoc's C++ parser reads:
# a space between a minus and its number, which the specification shows as valid, `0x1` for a bool, and a
# character above U+FFFF written as two escapes. Python accepts text that C++ refuses: `1_000` and `+5`. And
# one string is read by both, with two meanings: the escape `\?`, which the specification lists for a
# question mark, stays a backslash and a question mark in Python.
#
# Versions: protobuf 7.36.2, grpcio-tools 1.85.1 (its protoc).
#
# Why it matters: the configuration of TensorFlow Serving, of Triton and of many training tools is such a
# file, written by people and read by a server in C++. A check of it in Python lets through a file that the
# server refuses when it starts, and refuses a file that the server reads.
#
# Seen on Linux x86-64, Python 3.11:
#   number: -5         C++ -5        Python -5
#   number: - 5        C++ -5        Python refuses
#   number: 1_000      C++ refuses   Python 1000
#   number: +5         C++ refuses   Python 5
#   flag: 0x1          C++ True      Python refuses
#   text: "\?"         C++ '?'       Python '\\?'
#   text: "\ud83d\ude00" C++ '\U0001f600' Python refuses
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

python3 -m venv "$folder/env"
"$folder/env/bin/pip" install --quiet --disable-pip-version-check protobuf==7.36.2 grpcio-tools==1.85.1

cat >"$folder/settings.proto" <<'PROTO'
syntax = "proto3";

message Settings {
  int32 number = 1;
  bool flag = 2;
  string text = 3;
}
PROTO
cat >"$folder/compare.py" <<'PYTHON'
"""Reads lines of text format by protoc, which is C++, and by Python."""
import subprocess
import sys

from google.protobuf import text_format

PROTOC = [sys.executable, "-m", "grpc_tools.protoc", "-I."]
subprocess.run([*PROTOC, "--python_out=.", "settings.proto"], check=True)
sys.path.insert(0, ".")
from settings_pb2 import Settings  # noqa: E402


def by_cpp(line):
    """Returns the message that protoc reads, or None if it refuses the line."""
    run = subprocess.run(
        [*PROTOC, "--encode=Settings", "settings.proto"], input=line.encode(), capture_output=True
    )
    return Settings.FromString(run.stdout) if run.returncode == 0 else None


def by_python(line):
    """Returns the message that Python reads, or None if it refuses the line."""
    try:
        return text_format.Parse(line, Settings())
    except text_format.ParseError:
        return None


for line, *expected in (
    ("number: -5", -5, -5),
    ("number: - 5", -5, None),
    ("number: 1_000", None, 1000),
    ("number: +5", None, 5),
    ("flag: 0x1", True, None),
    (r'text: "\?"', "?", r"\?"),
    (r'text: "\ud83d\ude00"', "\U0001f600", None),
):
    field = line.split(":")[0]
    found = [message and getattr(message, field) for message in (by_cpp(line), by_python(line))]
    cpp, python = ("refuses" if value is None else ascii(value) for value in found)
    print(f"{line:<18} C++ {cpp:<9} Python {python}")
    assert found == expected
PYTHON
(cd "$folder" && env/bin/python compare.py)
