#!/usr/bin/env bash
# One would guess: two packages for the Open Inference Protocol, a server's and a client's, can be imported
# in one process. Both describe the same messages of the same `.proto`, as each other's users rely on.
#
# What happens: whichever is imported second fails with TypeError. Each package brings its own file of the
# protocol under its own file name, and both register `inference.ServerLiveRequest` and the other names in
# the one default descriptor pool of the process, which takes a name from one file only, whether or not
# the definitions agree.
#
# Versions: tritonclient 2.73.0, mlserver 1.7.1, protobuf 6.33.6.
#
# Why it matters: a test that starts a server and asks it in its own process, or a service that is asked by
# V2 and asks another by V2, cannot use the well-known packages together. A package that wants to live
# beside them needs a descriptor pool of its own.
#
# Seen on Linux x86-64, Python 3.11:
#   tritonclient.grpc, then mlserver.grpc.dataplane_pb2: TypeError: duplicate symbol 'inference.ServerLiveRequest'
#   mlserver.grpc.dataplane_pb2, then tritonclient.grpc: TypeError: duplicate symbol 'inference.ServerLiveRequest'
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

python3 -m venv "$folder/env"
"$folder/env/bin/pip" install --quiet --disable-pip-version-check \
  "tritonclient[grpc]==2.73.0" mlserver==1.7.1 protobuf==6.33.6

cat >"$folder/both.py" <<'PYTHON'
"""Imports two modules and tells what became of the second."""
import importlib
import re
import sys

first, second = sys.argv[1:]
importlib.import_module(first)
try:
    importlib.import_module(second)
except TypeError as error:
    symbol = re.search(r"duplicate symbol '[\w.]+'", str(error))
    print(f"{first}, then {second}: TypeError: {symbol[0] if symbol else error}")
else:
    sys.exit(f"{first}, then {second}: imported")
PYTHON
"$folder/env/bin/python" "$folder/both.py" tritonclient.grpc mlserver.grpc.dataplane_pb2
"$folder/env/bin/python" "$folder/both.py" mlserver.grpc.dataplane_pb2 tritonclient.grpc
