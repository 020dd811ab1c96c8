"""The Open Inference Protocol beside Predict: one server, asked the same texts by turns.

    python -m benchmarks.open_inference --model models/sentiment --data reviews.csv

One text a request; over REST as JSON, over gRPC as raw bytes, as tritonclient sends them. One
caller asks a server without batching, 64 ask one with it. Each line is one JSON object: the medians
of the rounds, and `ratio`, the latency of the Open Inference Protocol divided by that of Predict.
"""

import json
import statistics
from pathlib import Path
from typing import Annotated

import typer

from benchmarks.asked_texts import shuffled_texts
from benchmarks.callers import (
    MODEL_INFER,
    PREDICT,
    Load,
    Transport,
    asking,
    grpc_infer,
    grpc_predict,
    load_of,
    rest_infer,
    rest_predict,
)
from benchmarks.processes import BATCHING, REPOSITORY, Checkout, Server
from lstm_sentiment.version_folder import find_version

GOAL = 1.1
"""The largest `ratio` over REST, of the median latency of one caller."""

_TEXTS = 4096
_MAKERS = {
    ("gRPC", "Predict"): grpc_predict,
    ("gRPC", "ModelInfer"): grpc_infer,
    ("REST", "Predict"): rest_predict,
    ("REST", "ModelInfer"): rest_infer,
}
_METHODS = {"Predict": PREDICT, "ModelInfer": MODEL_INFER}
_TRANSPORTS: tuple[Transport, ...] = ("gRPC", "REST")
_APIS = ("Predict", "ModelInfer")


def main(
    model: Annotated[Path, typer.Option(help="A version, or a base path.")],
    data: Annotated[
        Path | None, typer.Option(help="Texts to ask for; default: the demo corpus.")
    ] = None,
    text_column: Annotated[str, typer.Option(help="The column of the texts.")] = "text",
    rounds: Annotated[int, typer.Option(help="Measurements of each API.")] = 5,
    seconds: Annotated[float, typer.Option(help="Of each measurement.")] = 1.0,
) -> None:
    """Measures both APIs by turns, and prints a line for each transport and number of callers."""
    base_path = find_version(model).absolute().parent
    texts = shuffled_texts(data, text_column)[:_TEXTS]
    for callers, flags in (
        (1, ()),
        (64, ("--enable-batching", f"--batching-parameters-file={BATCHING}")),
    ):
        threads = f"--grpc-max-threads={callers + 8}"
        with Checkout(REPOSITORY).served(base_path, threads, *flags) as server:
            for transport in _TRANSPORTS:
                _measure(server, transport, texts, callers, rounds, seconds)


def _measure(
    server: Server,
    transport: Transport,
    texts: list[str],
    callers: int,
    rounds: int,
    seconds: float,
) -> None:
    loads: dict[str, list[Load]] = {api: [] for api in _APIS}
    for number in range(rounds):
        # By turns, and each of them first in every other round.
        for api in _APIS if number % 2 else reversed(_APIS):
            loads[api].append(_load(server, transport, api, texts, callers, seconds))
    medians = {api: statistics.median(load.p50 for load in loads[api]) for api in _APIS}
    used = {api: statistics.median(load.cpu_seconds for load in loads[api]) for api in _APIS}
    ratio = medians["ModelInfer"] / medians["Predict"]
    line = {
        "benchmark": "open_inference",
        "name": f"{transport}, {callers} caller{'s' if callers > 1 else ''}",
        "p50_ms": round(1e3 * medians["ModelInfer"], 4),
        "predict_p50_ms": round(1e3 * medians["Predict"], 4),
        "ratio": round(ratio, 3),
        "cpu_ratio": round(used["ModelInfer"] / used["Predict"], 3),
    }
    if transport == "REST" and callers == 1:
        line |= {"goal": f"ratio <= {GOAL}", "met": ratio <= GOAL}
    print(json.dumps(line), flush=True)


def _load(
    server: Server, transport: Transport, api: str, texts: list[str], callers: int, seconds: float
) -> Load:
    port = server.port if transport == "gRPC" else server.rest_api_port
    requests = [_MAKERS[transport, api]([text]) for text in texts]
    connected = asking(transport, f"127.0.0.1:{port}", requests, callers, _METHODS[api])
    return load_of(connected, callers, seconds, server.process)


if __name__ == "__main__":
    typer.run(main)
