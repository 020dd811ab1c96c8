"""Shared part of all gRPC methods: deadline, errors and the observer."""

import functools
import threading
import time
from collections.abc import Callable
from typing import Any, NoReturn, Protocol

import grpc

from lstm_sentiment.errors import InvalidInputError
from lstm_sentiment.serving.caller import Caller
from lstm_sentiment.serving.canonical_code import Code, code_and_message
from lstm_sentiment.serving.errors import RequestTooLargeError
from lstm_sentiment.serving.grpc_api.parsing import Unparsed
from lstm_sentiment.serving.monitoring.answered_request import Observer
from lstm_sentiment.serving.monitoring.request_notes import RequestNotes

# Status messages travel in HTTP/2 headers, which gRPC refuses at random from 8 KiB on; there, a
# byte beyond ASCII takes three.
_MAX_MESSAGE_BYTES = 2048

MAX_BATCH_SIZE_KEY = "max-batch-size"
"""Trailing metadata of a request that has too many rows: how many it may have."""


class Observed(Protocol):
    """A gRPC service with an observer.

    Attributes:
        observer: Called with every request, if there is one.
    """

    observer: Observer | None


def answered(
    method: Callable[[Any, Any, RequestNotes, Caller], Any],
) -> Callable[[Observed, Any, grpc.ServicerContext], Any]:
    """Wraps a method of a service, so that gRPC can call it with a request and a context.

    Errors become the status of the call, by `code_and_message`; the observer is called in any case.

    Args:
        method: Called with the service, the request, its notes and its caller; returns the
            response. It has the name of the gRPC method.
    """
    api = method.__name__

    @functools.wraps(method)
    def answer(service: Observed, request: Any, context: grpc.ServicerContext) -> Any:
        notes = RequestNotes(service.observer, "GRPC", api, context.peer())
        caller = _caller(context)
        if notes.is_wanted:
            notes.request_bytes = request.ByteSize()
        try:
            if isinstance(request, Unparsed):
                raise InvalidInputError("the request is not a message of this method.")
            response = method(service, request, notes, caller)
            if notes.is_wanted:
                notes.response_bytes = response.ByteSize()
        except Exception as error:
            failure = error
        else:
            notes.finish(Code.OK)
            return response
        _abort(failure, notes, context)

    return answer


def _abort(error: Exception, notes: RequestNotes, context: grpc.ServicerContext) -> NoReturn:
    code, text = code_and_message(error)
    message = text.encode("utf-8", "replace")[:_MAX_MESSAGE_BYTES].decode("utf-8", "ignore")
    if isinstance(error, RequestTooLargeError) and error.max_batch_size is not None:
        context.set_trailing_metadata(((MAX_BATCH_SIZE_KEY, str(error.max_batch_size)),))
    notes.finish(code, message)
    context.abort(grpc.StatusCode[code.name], message)


def _caller(context: grpc.ServicerContext) -> Caller:
    seconds = context.time_remaining()
    # Without a deadline gRPC reports one in some hundred years, too long for a lock to wait.
    is_bounded = seconds is not None and seconds < threading.TIMEOUT_MAX
    caller = Caller(time.monotonic() + seconds if is_bounded else None)
    if not context.add_callback(caller.leave):
        caller.leave()
    return caller
