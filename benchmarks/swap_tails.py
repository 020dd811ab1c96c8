"""Latencies of a server while versions are loaded, warmed up and swapped, beside those before.

    python -m benchmarks.swap_tails --model models/sentiment --data reviews.csv --text-column review

A server in a process of its own answers callers over gRPC, signature `text`, a text a request; half
of the callers ask for the latest version and half for a label. By turns it is left alone, and a new
version appears in the base path by a rename: a reload loads it, moves the label, and unloads the
version before. With several `--model`, their versions follow each other in turn, so that an answer
of the wrong version is seen. The versions' scores are computed beforehand in this process; an
answer is wrong if it is another than that of the version that it names, or if its version could not
be the one asked for. `times` is the latency during swaps by that between them.
"""

import asyncio
import itertools
import json
import shutil
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

import grpc
import numpy as np
import typer
from numpy.typing import NDArray

from benchmarks.asked_texts import shuffled_texts
from benchmarks.processes import NAME, Checkout, Server
from lstm_sentiment.protocol.model_management_pb2 import (
    GetModelStatusRequest,
    GetModelStatusResponse,
    ReloadConfigRequest,
    ReloadConfigResponse,
)
from lstm_sentiment.protocol.prediction_pb2 import PredictRequest, PredictResponse
from lstm_sentiment.protocol.tensor_pb2 import DataType
from lstm_sentiment.serving.inference.tensor_proto import tensor_from_proto
from lstm_sentiment.serving.light.loader import load_light_servable
from lstm_sentiment.serving.servable import ManagerState
from lstm_sentiment.version_folder import TEXT, find_version

_REPOSITORY = Path(__file__).resolve().parents[1]
_SERVICE = "/tensorflow.serving.PredictionService/Predict"
_MODEL_SERVICE = "/tensorflow.serving.ModelService/"
_LABEL = "stable"
_TOLERANCE = 1e-4
_POLL_SECONDS = 0.05
_WARM_UP_SECONDS = 2.0
_GOAL_TIMES = 1.5

Answers = tuple[NDArray[np.object_], NDArray[np.float32]]


@dataclass(frozen=True)
class Ask:
    """A request and its answer.

    Attributes:
        text: Place of the text among all.
        start: When it was sent.
        end: When it was answered.
        lowest: Lowest version that may answer.
        highest: Highest version that may answer.
        response: A serialized `PredictResponse`; `None` if the request failed.
    """

    text: int
    start: float
    end: float
    lowest: int
    highest: int
    response: bytes | None


@dataclass
class Run:
    """What was asked of one server.

    Attributes:
        asks: The requests in the order of their answers.
        swaps: Start and end of each swap.
    """

    asks: list[Ask] = field(default_factory=list)
    swaps: list[tuple[float, float]] = field(default_factory=list)

    def is_during_swap(self, ask: Ask) -> bool:
        """Returns whether any of the time of a request was that of a swap."""
        return any(ask.start < end and start < ask.end for start, end in self.swaps)


class Swapper:
    """Lets callers ask a server whose versions it swaps."""

    def __init__(self, server: Server, base_path: Path, texts: Sequence[str], last: int) -> None:
        """Prepares the requests.

        Args:
            server: Serves version 1 under the base path.
            base_path: Holds folders `next-2` to `next-LAST`, which become versions by a rename.
            texts: Asked in turn.
            last: Number of the last version.
        """
        self._server, self._base_path, self._last = server, base_path, last
        self._requests = {
            label: [_request(text, label) for text in texts] for label in ("", _LABEL)
        }
        self._numbers = itertools.count()
        self._lowest = self._highest = 1
        self._is_done = False
        self._run = Run()

    async def run(self, callers: int, quiet_seconds: float) -> Run:
        """Swaps all versions in turn, with a pause before each."""
        async with grpc.aio.insecure_channel(f"127.0.0.1:{self._server.port}") as channel:
            await self._reload(channel, 1)
            asking = [
                asyncio.create_task(self._call(channel, (_LABEL, "")[caller % 2]))
                for caller in range(callers)
            ]
            await asyncio.sleep(_WARM_UP_SECONDS)
            first = time.perf_counter()
            for version in range(2, self._last + 1):
                await asyncio.sleep(quiet_seconds)
                await self._swap(channel, version)
            await asyncio.sleep(quiet_seconds)
            self._is_done = True
            await asyncio.gather(*asking)
        self._run.asks = [ask for ask in self._run.asks if ask.start > first]
        return self._run

    async def _call(self, channel: grpc.aio.Channel, label: str) -> None:
        predict: grpc.aio.UnaryUnaryMultiCallable[bytes, bytes] = channel.unary_unary(_SERVICE)
        requests = self._requests[label]
        while not self._is_done:
            text, lowest, start = next(self._numbers) % len(requests), self._lowest, _now()
            try:
                response = await predict(requests[text])
            except grpc.aio.AioRpcError as error:
                print(f"error: {error.code()}: {error.details()}", flush=True)
                response = None
            self._run.asks.append(Ask(text, start, _now(), lowest, self._highest, response))

    async def _swap(self, channel: grpc.aio.Channel, version: int) -> None:
        start = _now()
        (self._base_path / f"next-{version}").rename(self._base_path / str(version))
        self._highest = version
        await self._reload(channel, version)
        self._lowest = version
        while await self._state(channel, version - 1) != ManagerState.END:
            await asyncio.sleep(_POLL_SECONDS)
        self._run.swaps.append((start, _now()))

    async def _reload(self, channel: grpc.aio.Channel, version: int) -> None:
        """Serves one version, which the label points to."""
        request = ReloadConfigRequest()
        config = request.config.model_config_list.config.add()
        config.name, config.base_path = NAME, str(self._base_path)
        config.model_platform = "tensorflow"
        config.model_version_policy.specific.versions.append(version)
        config.version_labels[_LABEL] = version
        reload = channel.unary_unary(
            f"{_MODEL_SERVICE}HandleReloadConfigRequest",
            request_serializer=ReloadConfigRequest.SerializeToString,
            response_deserializer=ReloadConfigResponse.FromString,
        )
        response = await reload(request)
        if response.status.error_code:
            raise SystemExit(f"error: version {version}: {response.status.error_message}")

    async def _state(self, channel: grpc.aio.Channel, version: int) -> int | None:
        request = GetModelStatusRequest()
        request.model_spec.name = NAME
        ask = channel.unary_unary(
            f"{_MODEL_SERVICE}GetModelStatus",
            request_serializer=GetModelStatusRequest.SerializeToString,
            response_deserializer=GetModelStatusResponse.FromString,
        )
        statuses = (await ask(request)).model_version_status
        return next((each.state for each in statuses if each.version == version), None)


def _now() -> float:
    return time.perf_counter()


def _request(text: str, label: str) -> bytes:
    request = PredictRequest()
    request.model_spec.name, request.model_spec.signature_name = NAME, TEXT
    if label:
        request.model_spec.version_label = label
    tensor = request.inputs["text"]
    tensor.dtype = DataType.DT_STRING
    tensor.tensor_shape.dim.add().size = 1
    tensor.string_val.append(text.encode())
    serialized: bytes = request.SerializeToString()
    return serialized


def known_answers(version_dir: Path, texts: Sequence[str]) -> Answers:
    """Computes labels `(texts,)` and probabilities `(texts, classes)` of a version."""
    servable = load_light_servable(version_dir)
    values = np.array([text.encode() for text in texts], object)
    answer = servable.run(TEXT, {"text": values})
    return answer["label"], answer["probabilities"]


def is_right(ask: Ask, known: Sequence[Answers]) -> bool:
    """Returns whether a request was answered by a version that it may have, and as that one does.

    Args:
        ask: A request.
        known: Answers of the models in turn.
    """
    if ask.response is None:
        return False
    response = PredictResponse.FromString(ask.response)
    version = response.model_spec.version.value
    if not ask.lowest <= version <= ask.highest:
        return False
    labels, probabilities = known[(version - 1) % len(known)]
    outputs = {name: tensor_from_proto(each, name) for name, each in response.outputs.items()}
    difference = np.abs(outputs["probabilities"][0] - probabilities[ask.text]).max()
    return bool(difference < _TOLERANCE and outputs["label"][0] == labels[ask.text])


def lines(run: Run, known: Sequence[Answers]) -> list[dict[str, Any]]:
    """Returns the figures between swaps, during swaps, and of both."""
    answered = [ask for ask in run.asks if ask.response is not None]
    during = [run.is_during_swap(ask) for ask in answered]
    milliseconds = np.array([1000 * (ask.end - ask.start) for ask in answered])
    quiet, swapping = milliseconds[~np.array(during)], milliseconds[during]
    swap_seconds = [end - start for start, end in run.swaps]
    times = np.percentile(swapping, 99) / np.percentile(quiet, 99)
    return [
        {"name": "between swaps", **_figures(quiet)},
        {"name": "during swaps", **_figures(swapping), "swap_seconds": np.median(swap_seconds)},
        {
            "name": "during by between",
            "times_p50": np.median(swapping) / np.median(quiet),
            "times_p99": times,
            "goal": _GOAL_TIMES,
            "swaps": len(run.swaps),
            "requests": len(run.asks),
            "failed": len(run.asks) - len(answered),
            "wrong": sum(not is_right(ask, known) for ask in answered),
        },
    ]


def _figures(milliseconds: NDArray[np.float64]) -> dict[str, Any]:
    percentiles = {"p50_ms": 50, "p90_ms": 90, "p99_ms": 99, "max_ms": 100}
    figures = {name: np.percentile(milliseconds, each) for name, each in percentiles.items()}
    return {**figures, "requests": len(milliseconds)}


def main(
    model: Annotated[
        list[Path], typer.Option(help="A version's folder, or a folder of versions; repeatable.")
    ],
    data: Annotated[
        Path | None, typer.Option(help="Texts to ask for. Default: the demo corpus.")
    ] = None,
    text_column: str = "text",
    callers: int = 16,
    swaps: int = 20,
    quiet_seconds: Annotated[float, typer.Option(help="Between two swaps.")] = 1.0,
    num_texts: int = 1000,
    against: Annotated[
        Path | None, typer.Option(help="A checkout of another commit, measured afterwards.")
    ] = None,
    flag: Annotated[
        list[str] | None, typer.Option(help="Of `serve`, such as --flag=--engine=tensorflow.")
    ] = None,
) -> None:
    """Measures this checkout, and another one if it is given; prints a line for each figure."""
    texts = shuffled_texts(data, text_column)
    texts = texts[:num_texts]
    versions = [find_version(each) for each in model]
    known = [known_answers(version, texts) for version in versions]
    for checkout in [_REPOSITORY, *([against] if against else [])]:
        with tempfile.TemporaryDirectory() as folder:
            base_path = Path(folder).resolve() / NAME
            last = swaps + 1
            make_versions(base_path, versions, last)
            with Checkout(checkout).served(base_path, *(flag or ())) as server:
                swapper = Swapper(server, base_path, texts, last)
                run = asyncio.run(swapper.run(callers, quiet_seconds))
        for line in lines(run, known):
            say({"checkout": checkout.name, **line})


def say(line: dict[str, Any]) -> None:
    """Prints one line, with figures of three places."""
    rounded = {k: round(float(v), 3) if isinstance(v, float) else v for k, v in line.items()}
    print(json.dumps({"benchmark": "swap_tails", **rounded}), flush=True)


def make_versions(base_path: Path, versions: Sequence[Path], last: int) -> None:
    """Makes version 1 and folders `next-2` to `next-LAST` of the given versions in turn."""
    base_path.mkdir()
    sources = []
    for number, version in enumerate(versions):
        source = base_path.parent / f"model-{number}"
        shutil.copytree(version, source)
        sources.append(source)
    for number in range(1, last + 1):
        name = "1" if number == 1 else f"next-{number}"
        source = sources[(number - 1) % len(sources)]
        # Links: no file is copied while requests are measured.
        shutil.copytree(source, base_path / name, copy_function=_link)


def _link(source: str, target: str) -> None:
    Path(target).hardlink_to(source)


if __name__ == "__main__":
    typer.run(main)
