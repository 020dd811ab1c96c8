#!/usr/bin/env bash
# One would guess: a library that computes a graph on the CPU talks to nobody, and `import onnxruntime`
# writes nothing.
#
# What happens: from 1.29.0 on, the wheels on PyPI for Linux and macOS hold Microsoft's telemetry SDK,
# switched on. The import alone makes an id of the machine in ~/.cache/Microsoft, queues an event with
# operating system, program and ids in a SQLite file there, and starts a thread that sends what is
# queued to mobile.events.data.microsoft.com. `onnxruntime.disable_telemetry_events()` comes too late
# for it; ORT_DISABLE_TELEMETRY=1 in the environment before the import prevents all of it. (Privacy.md
# in the wheel says so.)
#
# Versions: onnxruntime 1.28.0 and 1.32.0.
#
# Why it matters: a server that is moved from TensorFlow to ONNX Runtime begins to call out from
# production. And where the home folder cannot be written, it logs a warning at each start.
#
# Seen on Linux x86-64, Python 3.11:
#   onnxruntime 1.28.0: no file
#   onnxruntime 1.32.0: deviceid onnxruntime.db; queued: ProcessInfo
#   onnxruntime 1.32.0 with ORT_DISABLE_TELEMETRY=1: no file
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

cat >"$folder/left.py" <<'PYTHON'
"""Tells what an import of onnxruntime left in the home folder."""
import re
import sqlite3
import sys
from pathlib import Path

files = sorted(path for path in Path(sys.argv[1]).rglob("*") if path.is_file())
told = " ".join(path.name for path in files if not path.name.endswith(("-shm", "-wal")))
for path in files:
    if path.suffix == ".db":
        events = sqlite3.connect(path).execute("SELECT payload FROM events").fetchall()
        names = sorted({name.decode() for (event,) in events
                        for name in re.findall(rb"ProcessInfo", event)})
        told += f"; queued: {' '.join(names)}"
print(told or "no file")
PYTHON

see() {
  local version=$1 disable=$2 home="$folder/home-$1-$2"
  mkdir "$home"
  HOME="$home" ORT_DISABLE_TELEMETRY="$disable" "$folder/$version/bin/python" -c "import onnxruntime"
  "$folder/$version/bin/python" "$folder/left.py" "$home"
}

for version in 1.28.0 1.32.0; do
  python3 -m venv "$folder/$version"
  "$folder/$version/bin/pip" install --quiet --disable-pip-version-check "onnxruntime==$version"
done
before=$(see 1.28.0 0)
after=$(see 1.32.0 0)
disabled=$(see 1.32.0 1)
echo "onnxruntime 1.28.0: $before"
echo "onnxruntime 1.32.0: $after"
echo "onnxruntime 1.32.0 with ORT_DISABLE_TELEMETRY=1: $disabled"
[ "$before" = "no file" ] && [ "$disabled" = "no file" ] && [ "$after" = "deviceid onnxruntime.db; queued: ProcessInfo" ]
