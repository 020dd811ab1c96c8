"""Measures the server's CPU a request with every request logged, and with none.

    python -m benchmarks.labels.request_log --model models/sentiment --data reviews.csv

One server, whose config is reloaded between measurements: with `logging_config` at a sampling rate
of 1, and without, by turns. So both are measured in the same process, on the same connections'
kind, under the same load of the machine. Each line is one JSON object; `share` is the median of the
CPU seconds a request with the log, divided by that without.
"""

import argparse
import json
import statistics
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import grpc

from benchmarks.asked_texts import shuffled_texts
from benchmarks.callers import Transport, asking, grpc_predict, load_of, rest_predict
from benchmarks.processes import BATCHING, NAME, REPOSITORY, Checkout, Server, rounds_by_turns
from lstm_sentiment.models_config.config import single_model_config
from lstm_sentiment.protocol.model_management_pb2 import ReloadConfigRequest, ReloadConfigResponse
from lstm_sentiment.protocol.model_server_config_pb2 import ModelServerConfig
from lstm_sentiment.version_folder import find_version

_RELOAD = "/tensorflow.serving.ModelService/HandleReloadConfigRequest"
_TEXTS = 4096
_GOAL = 1.05


@dataclass(frozen=True)
class Case:
    """A way to ask.

    Attributes:
        transport: By which the callers ask.
        callers: Requests under way at any time.
        batching: Whether the server batches.
    """

    transport: Transport
    callers: int
    batching: bool

    @property
    def name(self) -> str:
        """The name in the line of results."""
        batching = "batching" if self.batching else "no batching"
        return f"{self.transport}, {batching}, {self.callers} callers"


CASES = (
    Case("gRPC", 1, False),
    Case("gRPC", 64, False),
    Case("gRPC", 64, True),
    Case("REST", 64, True),
)


def main() -> None:
    """Reads the flags, measures and prints a line for each case."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--model", type=Path, required=True, help="a version, or a base path")
    parser.add_argument("--data", type=Path, help="texts to ask for; default: the demo corpus")
    parser.add_argument("--text-column", default="text")
    parser.add_argument("--rounds", type=int, default=5, help="measurements of each")
    parser.add_argument("--seconds", type=float, default=2.0, help="of each measurement")
    parser.add_argument("--only", type=int, nargs="+", help="numbers of cases, from 1")
    arguments = parser.parse_args()
    version_dir = find_version(arguments.model).absolute()
    texts = shuffled_texts(arguments.data, arguments.text_column)[:_TEXTS]
    numbers = arguments.only or range(1, len(CASES) + 1)
    for case in (CASES[number - 1] for number in numbers):
        try:
            line = measured(case, version_dir, texts, arguments.rounds, arguments.seconds)
        except (grpc.RpcError, OSError) as error:
            sys.exit(f"error: a server did not answer: {error}")
        print(json.dumps(line), flush=True)


def measured(
    case: Case, version_dir: Path, texts: Sequence[str], rounds: int, seconds: float
) -> dict[str, object]:
    """Measures one case.

    Args:
        case: The case.
        version_dir: The version that the server serves.
        texts: Asked for, one a request.
        rounds: Measurements with the log, and without.
        seconds: Of each measurement.

    Returns:
        The line of results.
    """
    request = grpc_predict if case.transport == "gRPC" else rest_predict
    requests = [request([text]) for text in texts]
    batching = ("--enable-batching", f"--batching-parameters-file={BATCHING}")
    flags = batching if case.batching else ()
    taken: dict[bool, list[float]] = {False: [], True: []}
    with (
        tempfile.TemporaryDirectory() as folder,
        Checkout(REPOSITORY).served(version_dir.parent, *flags) as server,
    ):
        for is_logging in rounds_by_turns((False, True), rounds):
            _reload(server, _config(version_dir.parent, Path(folder) if is_logging else None))
            port = server.port if case.transport == "gRPC" else server.rest_api_port
            connected = asking(case.transport, f"127.0.0.1:{port}", requests, case.callers)
            load = load_of(connected, case.callers, seconds, server.process)
            taken[is_logging].append(load.cpu_seconds)
        size = sum(path.stat().st_size for path in Path(folder).iterdir())
    return _line(case, taken, size)


def _line(case: Case, taken: dict[bool, list[float]], size: int) -> dict[str, object]:
    with_log, without = (statistics.median(taken[is_logging]) for is_logging in (True, False))
    share = with_log / without
    return {
        "benchmark": "labels",
        "name": f"request log, {case.name}, cpu_ms",
        "cpu_ms": round(1e3 * with_log, 4),
        "against": "no request log",
        "against_cpu_ms": round(1e3 * without, 4),
        "share": round(share, 3),
        "ratio": round(1 / share, 3),
        "goal": f"share <= {_GOAL}",
        "met": share <= _GOAL,
        "log_mib": round(size / 2**20, 1),
        "rounds": [
            [round(1e3 * one, 4), round(1e3 * other, 4)]
            for one, other in zip(taken[True], taken[False], strict=True)
        ],
    }


def _config(base_path: Path, folder: Path | None) -> ModelServerConfig:
    config = single_model_config(NAME, base_path)
    if folder is not None:
        logging = config.model_config_list.config[0].logging_config
        logging.log_collector_config.type = "file"
        logging.log_collector_config.filename_prefix = str(folder / "requests")
        logging.sampling_config.sampling_rate = 1
    return config


def _reload(server: Server, config: ModelServerConfig) -> None:
    with grpc.insecure_channel(f"127.0.0.1:{server.port}") as channel:
        reload = channel.unary_unary(
            _RELOAD,
            request_serializer=ReloadConfigRequest.SerializeToString,
            response_deserializer=ReloadConfigResponse.FromString,
        )
        reload(ReloadConfigRequest(config=config), timeout=60)


if __name__ == "__main__":
    main()
