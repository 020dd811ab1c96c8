"""gRPC's server reflection: clients such as grpcurl list and describe the services.

Version 1 of the protocol is v1alpha under another name: newer clients ask for the former first.
"""

import asyncio
from collections.abc import AsyncIterator, Iterable
from typing import Any

import grpc.aio
from google.protobuf.descriptor import FileDescriptor
from google.protobuf.descriptor_pb2 import FileDescriptorProto
from google.protobuf.descriptor_pool import DescriptorPool
from grpc_health.v1 import health_pb2
from grpc_reflection.v1alpha import reflection, reflection_pb2

from lstm_sentiment.protocol.pool import POOL
from lstm_sentiment.protocol.services import (
    MODEL_SERVICE,
    OPEN_INFERENCE_SERVICE,
    PREDICTION_SERVICE,
)
from lstm_sentiment.serving.grpc_api.open_calls import OpenCalls

MOST_STREAMS = 64
"""How many callers may have a stream of reflection open at once."""

_MOST_IDLE_SECONDS = 60.0
_V1ALPHA, _V1 = "grpc.reflection.v1alpha", "grpc.reflection.v1"
_V1_SERVICE = f"{_V1}.ServerReflection"


def add_reflection(server: grpc.aio.Server, services: Iterable[str]) -> None:
    """Adds the services `grpc.reflection.v1.ServerReflection` and that of v1alpha to a server.

    Args:
        server: The server.
        services: Full names of its other services that `describing_pool` knows.
    """
    names = [*services, reflection.SERVICE_NAME, _V1_SERVICE]
    # Its types tell that a coroutine makes the iterator; it is one itself.
    servicer: Any = reflection.aio.ReflectionServicer(names, describing_pool())
    streams = OpenCalls("streams of reflection", MOST_STREAMS)

    async def answer(requests: AsyncIterator[Any], context: Any) -> AsyncIterator[Any]:
        with await streams.stream(context):
            async for response in servicer.ServerReflectionInfo(_until_idle(requests), context):
                yield response

    handler = grpc.stream_stream_rpc_method_handler(
        answer,
        request_deserializer=reflection_pb2.ServerReflectionRequest.FromString,
        response_serializer=reflection_pb2.ServerReflectionResponse.SerializeToString,
    )
    handlers = {"ServerReflectionInfo": handler}
    for name in (reflection.SERVICE_NAME, _V1_SERVICE):
        server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(name, handlers),))


async def _until_idle(requests: AsyncIterator[Any]) -> AsyncIterator[Any]:
    """Yields requests until there is no more, or for a while none."""
    while True:
        try:
            async with asyncio.timeout(_MOST_IDLE_SECONDS):
                request = await anext(requests)
        except (TimeoutError, StopAsyncIteration):
            return
        yield request


def describing_pool() -> DescriptorPool:
    """Returns a pool with all services of the server, those of health and reflection too."""
    pool = DescriptorPool()
    for service in (PREDICTION_SERVICE, MODEL_SERVICE, OPEN_INFERENCE_SERVICE):
        _add_file(pool, POOL.FindFileContainingSymbol(service))
    for module in (health_pb2, reflection_pb2):
        _add_file(pool, module.DESCRIPTOR)
    v1 = FileDescriptorProto.FromString(reflection_pb2.DESCRIPTOR.serialized_pb)
    v1.name = "grpc/reflection/v1/reflection.proto"
    _rename(v1)
    pool.Add(v1)
    return pool


def _rename(file: FileDescriptorProto) -> None:
    """Renames the package of a file, and every type of it that its messages and methods name."""
    file.package = _V1
    for message in file.message_type:
        for field in message.field:
            if field.type_name:
                field.type_name = field.type_name.replace(_V1ALPHA, _V1)
    for service in file.service:
        for method in service.method:
            method.input_type = method.input_type.replace(_V1ALPHA, _V1)
            method.output_type = method.output_type.replace(_V1ALPHA, _V1)


def _add_file(pool: DescriptorPool, file: FileDescriptor) -> None:
    """Adds a file after the files that it imports; adding a file again changes nothing."""
    for imported in file.dependencies:
        _add_file(pool, imported)
    pool.AddSerializedFile(file.serialized_pb)
