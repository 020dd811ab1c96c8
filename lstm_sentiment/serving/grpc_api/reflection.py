"""gRPC's server reflection: clients such as grpcurl list and describe the services."""

from collections.abc import Iterable

import grpc.aio
from google.protobuf.descriptor import FileDescriptor
from google.protobuf.descriptor_pool import DescriptorPool
from grpc_health.v1 import health_pb2
from grpc_reflection.v1alpha import reflection, reflection_pb2

from lstm_sentiment.protocol.pool import POOL
from lstm_sentiment.protocol.services import (
    MODEL_SERVICE,
    OPEN_INFERENCE_SERVICE,
    PREDICTION_SERVICE,
)


def add_reflection(server: grpc.aio.Server, services: Iterable[str]) -> None:
    """Adds the service `grpc.reflection.v1alpha.ServerReflection` to a server.

    Args:
        server: The server.
        services: Full names of its other services, of those that `describing_pool` knows.
    """
    names = [*services, reflection.SERVICE_NAME]
    reflection.enable_server_reflection(names, server, describing_pool())


def describing_pool() -> DescriptorPool:
    """Returns a pool with all services of the server, those of health and reflection too."""
    pool = DescriptorPool()
    for service in (PREDICTION_SERVICE, MODEL_SERVICE, OPEN_INFERENCE_SERVICE):
        _add_file(pool, POOL.FindFileContainingSymbol(service))
    for module in (health_pb2, reflection_pb2):
        _add_file(pool, module.DESCRIPTOR)
    return pool


def _add_file(pool: DescriptorPool, file: FileDescriptor) -> None:
    """Adds a file after the files that it imports; adding a file again changes nothing."""
    for imported in file.dependencies:
        _add_file(pool, imported)
    pool.AddSerializedFile(file.serialized_pb)
