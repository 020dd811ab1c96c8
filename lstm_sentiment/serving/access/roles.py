"""Defines the roles of tokens, and the role that each gRPC method requires.

The roles that REST requires are in its table of routes, `rest_api/routing/table.py`.
"""

import enum
from collections.abc import Mapping
from typing import TypeAlias

from lstm_sentiment.protocol.services import (
    MODEL_SERVICE,
    OPEN_INFERENCE_SERVICE,
    PREDICTION_SERVICE,
)


class Role(enum.StrEnum):
    """What a caller may do."""

    ASK = "ask"
    """Ask models, and read what their inputs and outputs are."""

    STATUS = "status"
    """Read which models there are, how they are and what the server has done."""

    CHANGE = "change"
    """Change which models are served."""


Roles: TypeAlias = "frozenset[Role] | None"
"""Roles of which one suffices; `None` where no token is needed."""

OPEN: Roles = None
ASK = frozenset({Role.ASK})
STATUS = frozenset({Role.STATUS})
CHANGE = frozenset({Role.CHANGE})
ASK_OR_STATUS = ASK | STATUS
ANY = frozenset(Role)

_HEALTH, _REFLECTION = "grpc.health.v1.Health", "ServerReflection/ServerReflectionInfo"
METHOD_ROLES: Mapping[str, Roles] = {
    f"/{PREDICTION_SERVICE}/Predict": ASK,
    f"/{PREDICTION_SERVICE}/Classify": ASK,
    f"/{PREDICTION_SERVICE}/Regress": ASK,
    f"/{PREDICTION_SERVICE}/MultiInference": ASK,
    f"/{PREDICTION_SERVICE}/GetModelMetadata": ASK_OR_STATUS,
    f"/{MODEL_SERVICE}/GetModelStatus": STATUS,
    f"/{MODEL_SERVICE}/HandleReloadConfigRequest": CHANGE,
    f"/{OPEN_INFERENCE_SERVICE}/ModelInfer": ASK,
    f"/{OPEN_INFERENCE_SERVICE}/ModelReady": ASK_OR_STATUS,
    f"/{OPEN_INFERENCE_SERVICE}/ModelMetadata": ASK_OR_STATUS,
    f"/{OPEN_INFERENCE_SERVICE}/ServerMetadata": ANY,
    f"/{OPEN_INFERENCE_SERVICE}/ServerLive": OPEN,
    f"/{OPEN_INFERENCE_SERVICE}/ServerReady": OPEN,
    f"/{_HEALTH}/Check": OPEN,
    f"/{_HEALTH}/List": OPEN,
    f"/{_HEALTH}/Watch": OPEN,
    f"/grpc.reflection.v1.{_REFLECTION}": ANY,
    f"/grpc.reflection.v1alpha.{_REFLECTION}": ANY,
}
"""What each gRPC method asks for, by its path; a method that there is not needs any token."""


def roles_of_method(method: str) -> Roles:
    """Returns the roles that a gRPC method requires, by its path."""
    return METHOD_ROLES.get(method, ANY)
