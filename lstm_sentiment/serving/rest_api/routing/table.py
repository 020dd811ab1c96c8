"""The table of all routes of the REST API: see `route.py` for how to add one."""

import re
from collections.abc import Iterator
from dataclasses import replace

from lstm_sentiment.serving.access import roles
from lstm_sentiment.serving.monitoring.metric_series import CONTENT_TYPE
from lstm_sentiment.serving.rest_api.routing.open_inference import open_inference_routes
from lstm_sentiment.serving.rest_api.routing.route import (
    ANY_METHOD,
    Reply,
    Route,
    template_pattern,
)

_MODELS, _INFERENCE, _SERVER = "Models", "Inference", "Server"
_ONE_MODEL = "/v1/models/{model}[/versions/{version}|/labels/{label}]"
_TEXT = ("text/plain; charset=utf-8",)
# `option httpchk` of HAProxy asks by OPTIONS, unless it is told another method.
_PROBE = ("GET", "OPTIONS")

_HTML = "text/html; charset=utf-8"
_FILES = ("text/css; charset=utf-8", "text/javascript; charset=utf-8", "image/svg+xml")


def _error(description: str) -> Reply:
    return Reply(description, "Error")


ERRORS = {
    400: _error("The request does not fit the API, the model or the limits."),
    404: _error("No such model or version is available."),
    413: _error("The body is larger than the server accepts."),
    500: _error("The model or the server failed."),
    503: _error("The server is overloaded or is stopping."),
    504: _error("The deadline passed before the answer was ready."),
}
"""The errors of every operation that asks a model."""

BODY_ERRORS = {**ERRORS, 415: _error("The body has a Content-Encoding other than gzip.")}
"""The errors of every operation whose requests have a body."""

UNIMPLEMENTED = {501: _error("This server does not support the request.")}


def _prediction(verb: str, **fields: object) -> Route:
    # The case of the path does not matter, that of the verb does, as in TensorFlow Serving.
    template = f"{_ONE_MODEL}:{verb}"
    pattern = re.compile(f"(?i){template_pattern(_ONE_MODEL)}(?-i::{verb})")
    return Route(
        operation_id=verb,
        template=template,
        methods=("POST",),
        tag=_INFERENCE,
        roles=roles.ASK,
        api=verb.capitalize(),
        pattern=pattern,
        **fields,  # type: ignore[arg-type]
    )


PREDICT = _prediction(
    "predict",
    summary="Runs a signature on rows or columns of inputs.",
    body="PredictRequest",
    replies={200: Reply("The outputs.", "PredictResponse"), **BODY_ERRORS, **UNIMPLEMENTED},
)
CLASSIFY = _prediction(
    "classify",
    summary="Classifies examples.",
    body="ClassifyRequest",
    replies={200: Reply("The classes of each example.", "ClassifyResponse"), **BODY_ERRORS},
)
REGRESS = _prediction(
    "regress",
    summary="Computes a number for each example.",
    body="RegressRequest",
    replies={200: Reply("The number of each example.", "RegressResponse"), **BODY_ERRORS},
)
MODELS = Route(
    operation_id="listModels",
    template="/v1/models",
    summary="Lists all models with the states and labels of their versions.",
    tag=_MODELS,
    roles=roles.STATUS,
    api="GetModelStatus",
    replies={200: Reply("The models.", "Models"), **{s: ERRORS[s] for s in (413, 500, 503, 504)}},
    pattern=re.compile("(?i)/v1/models"),
)
METADATA = Route(
    operation_id="getModelMetadata",
    template=f"{_ONE_MODEL}/metadata",
    summary="Returns the signatures of a version: its functions with their inputs and outputs.",
    tag=_MODELS,
    roles=roles.ASK_OR_STATUS,
    api="GetModelMetadata",
    replies={200: Reply("The signatures.", "ModelMetadata"), **ERRORS},
    pattern=re.compile(
        rf"(?i)/v1/models(?:/{template_pattern('{model}')})?"
        rf"{template_pattern('[/versions/{version}|/labels/{label}]')}(?-i:/metadata)"
    ),
)
STATUS = Route(
    operation_id="getModelStatus",
    template=_ONE_MODEL,
    summary="Returns the states of a model's versions.",
    tag=_MODELS,
    roles=roles.STATUS,
    api="GetModelStatus",
    replies={200: Reply("The states.", "ModelStatus"), **ERRORS},
    # TensorFlow Serving takes a last part `/METADATA` for this question.
    pattern=re.compile(
        rf"(?i)/v1/models(?:/{template_pattern('{model}')})?"
        rf"{template_pattern('[/versions/{version}|/labels/{label}]')}(?:/metadata)?"
    ),
)
HEALTHZ = Route(
    operation_id="healthz",
    template="/healthz",
    methods=_PROBE,
    summary="Returns 200 as long as the process answers.",
    tag=_SERVER,
    roles=roles.OPEN,
    replies={200: Reply("The process answers.", "Text", _TEXT)},
)
READYZ = Route(
    operation_id="readyz",
    template="/readyz",
    methods=_PROBE,
    summary="Returns whether the server can answer for its models.",
    tag=_SERVER,
    roles=roles.OPEN,
    replies={
        200: Reply("The server can answer.", "Text", _TEXT),
        503: _error("The server cannot answer yet, or is stopping."),
    },
)
STATE = Route(
    operation_id="state",
    template="/state",
    summary="Returns states, numbers of requests and latencies, for people.",
    tag=_SERVER,
    roles=roles.STATUS,
    replies={200: Reply("The statistics.", "State")},
)
METRICS = Route(
    operation_id="metrics",
    template="/monitoring/prometheus/metrics",
    methods=ANY_METHOD,  # as in TensorFlow Serving
    summary="Returns the metrics in Prometheus' text format.",
    tag=_SERVER,
    roles=roles.STATUS,
    replies={200: Reply("The metrics.", "Text", (CONTENT_TYPE,))},
)
OPENAPI = Route(
    operation_id="openapi",
    template="/openapi.json",
    summary="Describes this API.",
    tag=_SERVER,
    roles=roles.OPEN,
    replies={200: Reply("The description.", "OpenApi")},
)
ABOUT = Route(
    operation_id="about",
    template="/about/{model}/{version}",
    summary="Returns the facts of a version's card, and texts to try it with, for the web page.",
    tag=_SERVER,
    roles=roles.ASK_OR_STATUS,
    replies={200: Reply("The facts.", "About"), 404: ERRORS[404]},
)
_KNOWN = Reply("The client has this file already.")
UI = Route(
    operation_id="ui",
    template="/",
    summary="Serves the web page.",
    tag=_SERVER,
    roles=roles.OPEN,
    headers=("If-None-Match",),
    replies={200: Reply("The page.", "Text", (_HTML,)), 304: _KNOWN},
)
UI_FILES = Route(
    operation_id="uiFile",
    template="/ui/{file}",
    summary="Serves the files of the web page.",
    tag=_SERVER,
    roles=roles.OPEN,
    headers=("If-None-Match",),
    replies={
        200: Reply("The file.", "Text", (_HTML, *_FILES)),
        304: _KNOWN,
        404: _error("There is no such file."),
    },
)

_API = (
    *(PREDICT, CLASSIFY, REGRESS, MODELS, METADATA, STATUS, HEALTHZ, READYZ, OPENAPI),
    *open_inference_routes(ERRORS, BODY_ERRORS),
)


def routes_of(*, metrics_path: str | None, state: bool, ui: bool) -> Iterator[Route]:
    """Yields the routes of a server, the most used first.

    Args:
        metrics_path: Path of the page of metrics; `None` for none.
        state: Whether there is the page `/state`.
        ui: Whether there is the web page.
    """
    yield from _API
    if state:
        yield STATE
    if metrics_path is not None:
        pattern = re.compile(re.escape(metrics_path))
        yield replace(METRICS, template=metrics_path, pattern=pattern)
    if ui:
        yield from (UI, UI_FILES, ABOUT)
