"""Shared part of all gRPC methods: parsing, deadline, errors and the observer."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any, NoReturn

import grpc
import grpc.aio
from google.protobuf.message import DecodeError, Message

from lstm_sentiment.errors import InvalidInputError
from lstm_sentiment.protocol.services import Method
from lstm_sentiment.protocol.wire import has_more_fields
from lstm_sentiment.serving.caller import Caller
from lstm_sentiment.serving.canonical_code import Code, code_and_message
from lstm_sentiment.serving.errors import RequestTooLargeError
from lstm_sentiment.serving.inference.bytes_in_flight import BytesInFlight
from lstm_sentiment.serving.monitoring.answered_request import Observer
from lstm_sentiment.serving.monitoring.request_notes import RequestNotes
from lstm_sentiment.timeouts import timeout_or_none

# Status messages travel in HTTP/2 headers, which gRPC refuses at random from 8 KiB on; there, a
# byte beyond ASCII takes three.
_MAX_MESSAGE_BYTES = 2048

MAX_BATCH_SIZE_KEY = "max-batch-size"
"""Trailing metadata of a request that has too many rows: how many it may have."""

LARGE_BYTES = 1 << 18
"""Size of a request from which its parts are converted in a thread: some milliseconds of work."""

MAX_FIELDS = 1 << 18
"""Fields that a large request may have; the elements of a packed field count as one."""

InThread = Callable[[Callable[[], Any], Caller], Awaitable[Any]]
"""Runs a function in a thread, for a caller."""

Answer = Callable[[Any, RequestNotes, Caller], Awaitable[Message]]
"""Answers a request of one method; called with the request, its notes and its caller."""

Context = grpc.aio.ServicerContext[Any, Any]


def handler(
    method: Method,
    answer: Answer,
    observer: Observer | None,
    under_way: set[RequestNotes],
    in_flight: BytesInFlight,
    in_thread: InThread,
) -> "grpc.RpcMethodHandler[Any, Any]":
    """Makes gRPC's handler of a method, which takes and returns serialized messages.

    Errors become the status of the call, by `code_and_message`; the observer is called in any case.
    gRPC itself would answer INTERNAL to a message that cannot be parsed, and log a traceback.

    Args:
        method: The method.
        answer: Returns the response, or raises.
        observer: Called with every request, if there is one.
        under_way: Holds the notes of each request until it is answered.
        in_flight: The bytes of all requests.
        in_thread: Runs a function in a thread, for a caller.
    """
    api, parse = method.name, method.request.FromString

    async def handle(serialized: bytes, context: Context) -> bytes:
        notes = RequestNotes(observer, "GRPC", api, context.peer())
        notes.request_bytes = len(serialized)
        caller = _caller(context)
        under_way.add(notes)
        try:
            with in_flight.holding() as held:
                held.take(len(serialized))
                if len(serialized) < LARGE_BYTES:
                    request = _parsed(parse, serialized)
                else:
                    request = await in_thread(lambda: _parsed_large(method, serialized), caller)
                response = await answer(request, notes, caller)
                message = response.SerializeToString()
        except asyncio.CancelledError:
            caller.leave()
            _note_gone(caller, notes)
            raise
        except Exception as error:
            failure = error
        else:
            notes.response_bytes = len(message)
            if notes.messages is None:
                notes.messages = serialized, message
            notes.finish(Code.OK)
            return message
        finally:
            under_way.discard(notes)
        await _abort(failure, notes, context)

    # gRPC passes bytes on as they are where there is no parser and no serializer.
    return grpc.unary_unary_rpc_method_handler(handle)


def _parsed(parse: Callable[[bytes], Message], serialized: bytes) -> Message:
    try:
        return parse(serialized)
    except DecodeError as error:
        raise InvalidInputError("the request is not a message of this method.") from error


def _parsed_large(method: Method, serialized: bytes) -> Message:
    if has_more_fields(serialized, method.request.DESCRIPTOR, MAX_FIELDS):
        raise RequestTooLargeError(
            f"a message must have at most {MAX_FIELDS} fields, those of its messages included. "
            "Received: more."
        )
    return _parsed(method.request.FromString, serialized)


def _note_gone(caller: Caller, notes: RequestNotes) -> None:
    """Notes why gRPC broke off a call: its deadline passed, or the caller cancelled it."""
    try:
        caller.check_waits()
    except Exception as error:
        code, message = code_and_message(error)
        notes.finish(code, message)


async def _abort(error: Exception, notes: RequestNotes, context: Context) -> NoReturn:
    code, text = code_and_message(error)
    message = text.encode("utf-8", "replace")[:_MAX_MESSAGE_BYTES].decode("utf-8", "ignore")
    trailing: tuple[tuple[str, str], ...] = ()
    if isinstance(error, RequestTooLargeError) and error.max_batch_size is not None:
        trailing = ((MAX_BATCH_SIZE_KEY, str(error.max_batch_size)),)
    notes.finish(code, message)
    await context.abort(grpc.StatusCode[code.name], message, trailing)


def _caller(context: Context) -> Caller:
    seconds = timeout_or_none(context.time_remaining())
    return Caller(None if seconds is None else time.monotonic() + seconds)
