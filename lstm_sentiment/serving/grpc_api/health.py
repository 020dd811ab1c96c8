"""gRPC's health checking protocol for a model server; `grpc/health/v1/health.proto`."""

import grpc
from grpc_health.v1 import health, health_pb2, health_pb2_grpc

PREDICTION_SERVICE = "tensorflow.serving.PredictionService"
MODEL_SERVICE = "tensorflow.serving.ModelService"

_SERVICES = (health.OVERALL_HEALTH, PREDICTION_SERVICE, MODEL_SERVICE)


class GrpcHealth:
    """Tells probes whether the server can answer: as a whole, and by either service's name."""

    service_name = health.SERVICE_NAME

    def __init__(self) -> None:
        """Begins with a server that cannot answer yet."""
        self._servicer = health.HealthServicer()
        self.set_serving(False)

    def set_serving(self, is_serving: bool) -> None:
        """Says whether the server can answer; who watches learns of it at once.

        Args:
            is_serving: Whether it can.
        """
        response = health_pb2.HealthCheckResponse
        status = response.SERVING if is_serving else response.NOT_SERVING
        for service in _SERVICES:
            self._servicer.set(service, status)

    def stop(self) -> None:
        """Says for good that the server is going."""
        self._servicer.enter_graceful_shutdown()

    def add_to_server(self, server: grpc.Server) -> None:
        """Serves `grpc.health.v1.Health`.

        Args:
            server: Where.
        """
        health_pb2_grpc.add_HealthServicer_to_server(self._servicer, server)
