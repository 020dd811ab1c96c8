"""gRPC's health checking protocol for a model server; `grpc/health/v1/health.proto`."""

import grpc
from grpc_health.v1 import health, health_pb2, health_pb2_grpc

from lstm_sentiment.protocol.services import MODEL_SERVICE, PREDICTION_SERVICE

_SERVICES = (health.OVERALL_HEALTH, PREDICTION_SERVICE, MODEL_SERVICE)


class GrpcHealth:
    """Health status of the server as a whole and of either service, NOT_SERVING at first."""

    service_name = health.SERVICE_NAME

    def __init__(self) -> None:
        """Begins as NOT_SERVING."""
        self._servicer = health.HealthServicer()
        self.set_serving(False)

    def set_serving(self, is_serving: bool) -> None:
        """Sets the status; clients that watch are notified at once.

        Args:
            is_serving: True for SERVING, False for NOT_SERVING.
        """
        response = health_pb2.HealthCheckResponse
        status = response.SERVING if is_serving else response.NOT_SERVING
        for service in _SERVICES:
            self._servicer.set(service, status)

    def stop(self) -> None:
        """Sets NOT_SERVING for good."""
        self._servicer.enter_graceful_shutdown()

    def add_to_server(self, server: grpc.Server) -> None:
        """Adds the service `grpc.health.v1.Health` to a server."""
        health_pb2_grpc.add_HealthServicer_to_server(self._servicer, server)
