#!/usr/bin/env bash
# One would guess: a return annotation as wide as `-> dict[str, Any]` does not change the JSON that a FastAPI endpoint
# sends. It documents the answer and satisfies a type checker; everything passes the validation. NaN, which JSON
# does not have, is an error with and without it.
#
# What happens: without an annotation the answer is encoded by FastAPI's `jsonable_encoder` and the json module, with
# one by pydantic, and the two have other formats. NaN is status 500 without the annotation and `null` with it. A
# `timedelta` is a number of seconds or a text (`PT1.5S`), a `Decimal` a number or a text, a time in UTC ends with
# `+00:00` or with `Z`. The OpenAPI schema of `dict[str, Any]` names no format. A model with `score: float` is
# described as a number, sends `null` for NaN, and refuses that `null` when the answer is read back.
#
# Versions: fastapi 0.165.0, pydantic 2.14.4, starlette 1.10.0, httpx2 2.16.2 (for the test client).
#
# Why it matters: somebody who adds missing annotations, or a `response_model`, changes the protocol, and clients
# that read a number of seconds or a price find a text. A server whose model returns NaN answers 200 with `null`
# where it failed before, so neither the rate of errors nor an alarm shows it. Fix the format with a model of named
# types, and refuse NaN with `FiniteFloat`.
#
# Seen on Linux x86-64, Python 3.11:
#   NaN: without 500 Internal Server Error; with 200 {"v":null}
#   timedelta: without 200 {"v":1.5}; with 200 {"v":"PT1.5S"}
#   Decimal: without 200 {"v":1.1}; with 200 {"v":"1.10"}
#   datetime: without 200 {"v":"2026-01-01T00:00:00+00:00"}; with 200 {"v":"2026-01-01T00:00:00Z"}
#   a model with `score: float` sends {"score":null} and refuses to read it: float_type
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

python3 -m venv "$folder/env"
"$folder/env/bin/pip" install --quiet --disable-pip-version-check \
  fastapi==0.165.0 pydantic==2.14.4 starlette==1.10.0 httpx2==2.16.2

cat >"$folder/answer.py" <<'PYTHON'
"""Calls endpoints that return one value, without and with a return annotation."""
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

from fastapi import FastAPI
from fastapi.testclient import TestClient
from pydantic import BaseModel, ValidationError

CASES = {
    "NaN": (float("nan"), None, "null"),
    "timedelta": (timedelta(seconds=1.5), "1.5", '"PT1.5S"'),
    "Decimal": (Decimal("1.10"), "1.1", '"1.10"'),
    "datetime": (
        datetime(2026, 1, 1, tzinfo=timezone.utc),
        '"2026-01-01T00:00:00+00:00"',
        '"2026-01-01T00:00:00Z"',
    ),
}
app = FastAPI()


@app.get("/without/{name}")
def without(name: str):
    return {"v": CASES[name][0]}


@app.get("/with/{name}")
def with_annotation(name: str) -> dict[str, Any]:
    return {"v": CASES[name][0]}


class Answer(BaseModel):
    score: float


@app.get("/score")
def score() -> Answer:
    return Answer(score=float("nan"))


client = TestClient(app, raise_server_exceptions=False)
for name, (_, plain, annotated) in CASES.items():
    one, two = client.get(f"/without/{name}"), client.get(f"/with/{name}")
    print(f"{name}: without {one.status_code} {one.text}; with {two.status_code} {two.text}")
    assert (one.status_code, one.text) == (
        (200, f'{{"v":{plain}}}') if plain else (500, "Internal Server Error")
    )
    assert (two.status_code, two.text) == (200, f'{{"v":{annotated}}}')
answer = client.get("/score")
assert answer.status_code == 200
try:
    Answer.model_validate_json(answer.text)
except ValidationError as error:
    (detail,) = error.errors()
    print(f"a model with `score: float` sends {answer.text} and refuses to read it: {detail['type']}")
    assert detail["type"] == "float_type"
else:
    raise AssertionError("the answer was read")
PYTHON
"$folder/env/bin/python" "$folder/answer.py" 2>"$folder/log" || { cat "$folder/log"; exit 1; }
