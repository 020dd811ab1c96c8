"""The client for coroutines."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

import grpc
import grpc.aio

from lstm_sentiment.client.answers import Explanation, IdPrediction, Prediction
from lstm_sentiment.client.connection import ClientBase, server_methods
from lstm_sentiment.client.errors import is_failed_connection
from lstm_sentiment.client.messages import Ids
from lstm_sentiment.client.model_info import (
    SignatureInfo,
    VersionStatus,
    read_signatures,
    read_version_statuses,
)
from lstm_sentiment.client.questions import RPC, Answer, Question, TextSignature
from lstm_sentiment.client.retries import Deadline
from lstm_sentiment.errors import InvalidInputError
from lstm_sentiment.version_folder import DEFAULT_SIGNATURE_KEY

_PARTS_AT_ONCE = 4


class AsyncPredictClient(ClientBase):
    """Queries one model of one server from coroutines of one event loop.

        async with AsyncPredictClient("localhost:8500", model="sentiment") as client:
            await client.predict(["房间很干净"])

    Arguments, results and errors are those of `PredictClient`. Up to 4 parts of a divided batch are
    requested at the same time. Cancelling a coroutine cancels its requests.
    """

    _channel: grpc.aio.Channel | None = None
    _methods: dict[RPC, Callable[..., Any]] | None = None
    _loop: asyncio.AbstractEventLoop | None = None

    async def predict(
        self,
        texts: Sequence[str],
        *,
        signature: TextSignature = "text",
        timeout_seconds: float | None = None,
    ) -> list[Prediction]:
        """Classifies texts, as `PredictClient.predict`."""
        return await self._ask(self._questions.predict(texts, signature), timeout_seconds)

    async def predict_ids(
        self,
        ids: Ids,
        *,
        signature: str = DEFAULT_SIGNATURE_KEY,
        timeout_seconds: float | None = None,
    ) -> list[IdPrediction]:
        """Scores rows of token ids, as `PredictClient.predict_ids`."""
        return await self._ask(self._questions.predict_ids(ids, signature), timeout_seconds)

    async def classify(
        self, texts: Sequence[str], *, timeout_seconds: float | None = None
    ) -> list[Prediction]:
        """Classifies texts through the Classify API, as `PredictClient.classify`."""
        return await self._ask(self._questions.classify(texts), timeout_seconds)

    async def label_names(self, *, timeout_seconds: float | None = None) -> tuple[str, ...]:
        """Returns the names of the classes, as `PredictClient.label_names`."""
        return (await self._ask(self._questions.label_names(), timeout_seconds))[0]

    async def explain(
        self, texts: Sequence[str], *, timeout_seconds: float | None = None
    ) -> list[Explanation]:
        """Classifies texts and weighs their tokens, as `PredictClient.explain`."""
        return await self._ask(self._questions.explain(texts), timeout_seconds)

    async def model_status(self, *, timeout_seconds: float | None = None) -> list[VersionStatus]:
        """Returns the state of the model's versions, as `PredictClient.model_status`."""
        request = self._questions.model_status()
        response = await self._call("GetModelStatus", request, self._deadline(timeout_seconds))
        return read_version_statuses(response)

    async def metadata(self, *, timeout_seconds: float | None = None) -> dict[str, SignatureInfo]:
        """Returns the model's signatures, as `PredictClient.metadata`."""
        request = self._questions.metadata()
        response = await self._call("GetModelMetadata", request, self._deadline(timeout_seconds))
        return read_signatures(response, self._address)

    async def close(self) -> None:
        """Closes the connection, which may be closed already; running requests fail."""
        self._is_closed = True
        if self._channel is not None:
            await self._channel.close()

    async def __aenter__(self) -> "AsyncPredictClient":
        """Returns the client."""
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        """Closes the connection."""
        await self.close()

    async def _ask(self, question: Question[Answer], timeout_seconds: float | None) -> list[Answer]:
        gate = asyncio.Semaphore(_PARTS_AT_ONCE)
        return await self._answers(question, self._deadline(timeout_seconds), gate)

    async def _answers(
        self, question: Question[Answer], deadline: Deadline, gate: asyncio.Semaphore
    ) -> list[Answer]:
        async with gate:
            # Another part may have learned the server's limit while this one waited.
            if question.fits(self._batch_limit.rows):
                try:
                    request = question.request()
                    return question.answers(await self._call(question.rpc, request, deadline))
                except InvalidInputError as error:
                    if not self._batch_limit.learn(error, len(question.rows)):
                        raise
        parts = question.parts(self._batch_limit.rows)
        try:
            async with asyncio.TaskGroup() as group:
                tasks = [group.create_task(self._answers(part, deadline, gate)) for part in parts]
        except ExceptionGroup as failures:
            # The first to fail cancelled the others.
            failure = failures.exceptions[0]
            raise failure from failure.__cause__
        return [answer for task in tasks for answer in task.result()]

    async def _call(self, rpc: RPC, request: Any, deadline: Deadline) -> Any:
        attempts = self._attempts(deadline)
        while True:
            try:
                return await self._method(rpc)(request, **self._options(deadline))
            except grpc.RpcError as error:
                pause = attempts.pause_after(error)
                if pause is None:
                    if is_failed_connection(error):  # why is asked with a socket, which blocks
                        raise await asyncio.to_thread(self._error, error, deadline) from error
                    raise self._error(error, deadline) from error
            except asyncio.CancelledError as error:
                # Closing cancels what is under way, as if this task had been cancelled.
                task = asyncio.current_task()
                if self._is_closed and task is not None and not task.cancelling():
                    raise self._closed() from error
                raise
            await self._timing.async_sleep(pause)

    def _method(self, rpc: RPC) -> Callable[..., Any]:
        if self._is_closed:
            raise self._closed()
        loop = asyncio.get_running_loop()
        if self._methods is None:
            self._loop = loop
            self._channel = self._endpoint.async_channel()
            self._methods = server_methods(self._channel)
        if loop is not self._loop:
            raise InvalidInputError(
                "all coroutines of one AsyncPredictClient must run in one event loop. "
                "Received: another one; make a client for each."
            )
        return self._methods[rpc]
