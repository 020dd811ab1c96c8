"""The routes of the Open Inference Protocol (V2)."""

from collections.abc import Mapping

from lstm_sentiment.serving.access.roles import ANY, ASK, ASK_OR_STATUS, OPEN
from lstm_sentiment.serving.rest_api.routing.route import Reply, Route

_TAG = "Open Inference Protocol"
_ONE_MODEL = "/v2/models/{model}[/versions/{version_or_label}]"


def open_inference_routes(
    errors: Mapping[int, Reply], body_errors: Mapping[int, Reply]
) -> tuple[Route, ...]:
    """Returns the routes, the most used first.

    Args:
        errors: The errors of every operation that calls a model.
        body_errors: The errors of those of them whose requests have a body.
    """
    return (
        Route(
            operation_id="modelInfer",
            template=f"{_ONE_MODEL}/infer",
            methods=("POST",),
            summary="Runs a model on tensors.",
            tag=_TAG,
            roles=ASK,
            api="ModelInfer",
            body="InferRequest",
            replies={200: Reply("The outputs.", "InferResponse"), **body_errors},
        ),
        Route(
            operation_id="modelReady",
            template=f"{_ONE_MODEL}/ready",
            summary="Returns whether a model, or one version of it, can answer.",
            tag=_TAG,
            roles=ASK_OR_STATUS,
            api="ModelReady",
            replies={
                200: Reply("It can answer.", "ModelReady"),
                **errors,
                503: Reply("It cannot answer yet, or no longer.", "ModelReady"),
            },
        ),
        Route(
            operation_id="modelMetadata",
            template=_ONE_MODEL,
            summary="Returns the inputs and outputs of a model.",
            tag=_TAG,
            roles=ASK_OR_STATUS,
            api="ModelMetadata",
            query=("signature_name",),
            replies={200: Reply("The tensors.", "OpenModelMetadata"), **errors},
        ),
        *_SERVER_ROUTES,
    )


_SERVER_ROUTES = (
    Route(
        operation_id="serverLive",
        template="/v2/health/live",
        summary="Returns 200 as long as the process answers.",
        tag=_TAG,
        roles=OPEN,
        replies={200: Reply("The process answers.", "ServerHealth")},
    ),
    Route(
        operation_id="serverReady",
        template="/v2/health/ready",
        summary="Returns whether the server can answer for its models.",
        tag=_TAG,
        roles=OPEN,
        replies={
            200: Reply("It can answer.", "ServerHealth"),
            503: Reply("It cannot answer yet, or no longer.", "ServerHealth"),
        },
    ),
    Route(
        operation_id="serverMetadata",
        template="/v2[/]",
        summary="Returns the server's name and version.",
        tag=_TAG,
        roles=ANY,
        replies={200: Reply("The name and version.", "ServerMetadata")},
    ),
)
