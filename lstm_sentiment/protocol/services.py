"""The gRPC services of this package's `.proto` files: their methods, and stubs for clients."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import grpc
import grpc.aio
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass

# The services stand in these modules: importing them puts the services into the pool.
from lstm_sentiment.protocol import model_management_pb2, open_inference_pb2, prediction_pb2
from lstm_sentiment.protocol.pool import POOL

PREDICTION_SERVICE: str = prediction_pb2.DESCRIPTOR.services_by_name["PredictionService"].full_name
MODEL_SERVICE: str = model_management_pb2.DESCRIPTOR.services_by_name["ModelService"].full_name
OPEN_INFERENCE_SERVICE: str = open_inference_pb2.DESCRIPTOR.services_by_name[
    "GRPCInferenceService"
].full_name


@dataclass(frozen=True)
class Method:
    """A method of a gRPC service: one request, one answer.

    Attributes:
        name: The name, such as `Predict`.
        path: The HTTP/2 path, `/package.Service/Method`.
        request: Class of the requests.
        response: Class of the answers.
    """

    name: str
    path: str
    request: type[Message]
    response: type[Message]


def methods_of(service: str) -> list[Method]:
    """Returns the methods of a service, by its full name."""
    descriptor: Any = POOL.FindServiceByName(service)
    return [
        Method(
            method.name,
            f"/{service}/{method.name}",
            GetMessageClass(method.input_type),
            GetMessageClass(method.output_type),
        )
        for method in descriptor.methods
    ]


def calls(channel: grpc.Channel | grpc.aio.Channel, service: str) -> dict[str, Callable[..., Any]]:
    """Returns a client's callables for the methods of a service.

    Args:
        channel: The channel to the server.
        service: Full name of the service.

    Returns:
        By method name; each takes a request, and with an aio channel returns an awaitable.
    """
    return {
        method.name: channel.unary_unary(
            method.path,
            request_serializer=method.request.SerializeToString,
            response_deserializer=method.response.FromString,
        )
        for method in methods_of(service)
    }
