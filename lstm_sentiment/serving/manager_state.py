"""States of a version; `tensorflow_serving/core/servable_state.h`.

Free of NumPy, which the parent of several workers does not import.
"""

import enum


class ManagerState(enum.IntEnum):
    """State of a version, numbered as `ModelVersionStatus.State` of `get_model_status.proto`."""

    START = 10
    LOADING = 20
    AVAILABLE = 30
    UNLOADING = 40
    END = 50
