"""What every gRPC method has in common: deadline, errors and the observer."""

import threading
import time
from collections.abc import Callable
from typing import Any, NoReturn, TypeVar

import grpc

from lstm_sentiment.errors import InvalidInputError, LstmSentimentError
from lstm_sentiment.serving.caller import Caller
from lstm_sentiment.serving.canonical_code import Code, canonical_code, code_and_message
from lstm_sentiment.serving.errors import RequestTooLargeError
from lstm_sentiment.serving.grpc_api.parsing import Unparsed
from lstm_sentiment.serving.monitoring.answered_request import Observer
from lstm_sentiment.serving.monitoring.request_notes import RequestNotes

# Status messages travel in HTTP/2 headers, which gRPC refuses at random from 8 KiB on; there, a
# byte beyond ASCII takes three.
_MAX_MESSAGE_BYTES = 2048

MAX_BATCH_SIZE_KEY = "max-batch-size"
"""Trailing metadata of a request that has too many rows: how many it may have."""

_Response = TypeVar("_Response", bound=Any)


def status_code(error: LstmSentimentError) -> grpc.StatusCode:
    """Chooses the status code of an error, as `canonical_code` does.

    Args:
        error: What was raised.

    Returns:
        Its code.
    """
    return grpc.StatusCode[canonical_code(error).name]


class GrpcAnswering:
    """Answers gRPC calls: as they are timed, as they fail and as they are observed."""

    def __init__(self, observer: Observer | None) -> None:
        """Prepares to answer.

        Args:
            observer: Told of every call, if anybody.
        """
        self._observer = observer

    def answer(
        self,
        api: str,
        request: Any,
        context: grpc.ServicerContext,
        work: Callable[[RequestNotes, Caller], _Response],
    ) -> _Response:
        """Answers one call.

        Args:
            api: The method's name.
            request: Its message.
            context: The call; aborted where there is an error.
            work: Makes the response, and notes what it learns.

        Returns:
            The response.
        """
        notes = RequestNotes(self._observer, "GRPC", api, context.peer())
        caller = _caller(context)
        if notes.is_wanted:
            notes.request_bytes = request.ByteSize()
        try:
            if isinstance(request, Unparsed):
                raise InvalidInputError("the request is not a message of this method.")
            response = work(notes, caller)
            if notes.is_wanted:
                notes.response_bytes = response.ByteSize()
        except Exception as error:
            failure = error
        else:
            notes.finish(Code.OK)
            return response
        self._abort(failure, notes, context)

    def _abort(
        self, error: Exception, notes: RequestNotes, context: grpc.ServicerContext
    ) -> NoReturn:
        code, text = code_and_message(error)
        message = text.encode("utf-8", "replace")[:_MAX_MESSAGE_BYTES].decode("utf-8", "ignore")
        if isinstance(error, RequestTooLargeError) and error.max_batch_size is not None:
            context.set_trailing_metadata(((MAX_BATCH_SIZE_KEY, str(error.max_batch_size)),))
        notes.finish(code, message)
        context.abort(grpc.StatusCode[code.name], message)


def _caller(context: grpc.ServicerContext) -> Caller:
    seconds = context.time_remaining()
    # Without a deadline gRPC has one in some hundred years, which no lock can wait for.
    is_bounded = seconds is not None and seconds < threading.TIMEOUT_MAX
    caller = Caller(time.monotonic() + seconds if is_bounded else None)
    if not context.add_callback(caller.leave):
        caller.leave()
    return caller
