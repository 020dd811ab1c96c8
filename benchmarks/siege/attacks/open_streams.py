"""Streams that stay open, and configs that wait for a model that is not there."""

import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc

from benchmarks.siege.asking import status_of
from benchmarks.siege.attack import Attack, Target
from lstm_sentiment.protocol.model_management_pb2 import ReloadConfigRequest
from lstm_sentiment.protocol.services import MODEL_SERVICE

_OF_EACH = 300
_OPEN_SECONDS = 5.0
_RELOAD = f"/{MODEL_SERVICE}/HandleReloadConfigRequest"


def _run(target: Target) -> str:
    answers: Counter[str] = Counter()
    with grpc.insecure_channel(target.grpc_address) as channel:
        health: Any = health_pb2_grpc.HealthStub(channel)
        reflection: Any = reflection_pb2_grpc.ServerReflectionStub(channel)
        config = _config_of_nothing(target.folder)
        reload: Any = channel.unary_unary(_RELOAD)
        calls = []
        for _ in range(_OF_EACH):
            calls.append(health.Watch(health_pb2.HealthCheckRequest(), timeout=_OPEN_SECONDS))
            calls.append(reflection.ServerReflectionInfo(_asked(), timeout=_OPEN_SECONDS))
            calls.append(reload.future(config, timeout=_OPEN_SECONDS))
        for call in calls:
            answers[status_of(call)] += 1
    return f"{len(calls)} calls; ended by {dict(answers)}"


def _asked() -> Iterator[reflection_pb2.ServerReflectionRequest]:
    yield reflection_pb2.ServerReflectionRequest(list_services="")
    time.sleep(_OPEN_SECONDS)


def _config_of_nothing(folder: Path) -> bytes:
    request = ReloadConfigRequest()
    model = request.config.model_config_list.config.add(name="absent", base_path=str(folder))
    model.model_platform = "tensorflow"
    return request.SerializeToString()


ATTACK = Attack(
    name="open-streams",
    stands_for="A2",
    what=(
        f"{_OF_EACH} streams of health, as many of reflection, and as many configs of a model that "
        f"is not there, each open for {_OPEN_SECONDS:g} seconds."
    ),
    run=_run,
    flags=("--enable-grpc-reflection", "--enable-grpc-healthcheck-service"),
)
