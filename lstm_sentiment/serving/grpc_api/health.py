"""gRPC's health checking protocol for a model server; `grpc/health/v1/health.proto`."""

from typing import Any

import grpc.aio
from grpc_health.v1 import health, health_pb2, health_pb2_grpc

from lstm_sentiment.protocol.services import (
    MODEL_SERVICE,
    OPEN_INFERENCE_SERVICE,
    PREDICTION_SERVICE,
)
from lstm_sentiment.serving.grpc_api.open_calls import OpenCalls

MOST_WATCHES = 256
"""How many callers may watch the health of a server at once."""

_SERVICES = (
    health.OVERALL_HEALTH,
    PREDICTION_SERVICE,
    MODEL_SERVICE,
    OPEN_INFERENCE_SERVICE,
    # As TensorFlow Serving names them: `tensorflow_serving/model_servers/server.cc`.
    "PredictionService",
    "ModelService",
)

# The types of the package know no `List`.
_messages: Any = health_pb2


class _HealthServicer(health.aio.HealthServicer):
    """The servicer of grpcio-health-checking, with `List`, and with a bound on `Watch`."""

    def __init__(self) -> None:
        super().__init__()
        self._watches = OpenCalls("streams of health's Watch", MOST_WATCHES)

    async def Watch(self, request: health_pb2.HealthCheckRequest, context: Any) -> None:
        """Tells the status of a service whenever it changes, until the caller is gone."""
        with await self._watches.stream(context):
            await super().Watch(request, context)

    async def List(self, request: object, context: Any) -> Any:
        """Returns the status of each service."""
        response = _messages.HealthListResponse()
        for service in _SERVICES:
            told = await self.Check(health_pb2.HealthCheckRequest(service=service), context)
            response.statuses[service].CopyFrom(told)
        return response


class GrpcHealth:
    """Health status of the server as a whole and of each service, NOT_SERVING at first.

    All methods must be called on the event loop of the server.
    """

    service_name = health.SERVICE_NAME

    def __init__(self) -> None:
        """Begins as NOT_SERVING."""
        self._servicer = _HealthServicer()

    async def set_serving(self, is_serving: bool) -> None:
        """Sets the status; clients that watch are notified at once.

        Args:
            is_serving: True for SERVING, False for NOT_SERVING.
        """
        response = health_pb2.HealthCheckResponse
        status = response.SERVING if is_serving else response.NOT_SERVING
        for service in _SERVICES:
            await self._servicer.set(service, status)

    async def stop(self) -> None:
        """Sets NOT_SERVING for good."""
        await self._servicer.enter_graceful_shutdown()

    async def add_to_server(self, server: grpc.aio.Server) -> None:
        """Adds the service `grpc.health.v1.Health` to a server, as NOT_SERVING."""
        await self.set_serving(False)
        health_pb2_grpc.add_HealthServicer_to_server(self._servicer, server)
