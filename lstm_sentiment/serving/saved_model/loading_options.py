"""How a server brings versions into memory."""

from dataclasses import dataclass
from typing import Literal

AspiredVersionPolicyName = Literal["availability-preserving", "resource-preserving"]


@dataclass(frozen=True, kw_only=True)
class LoadingOptions:
    """How versions are loaded; the names are those of TensorFlow Serving's flags where it has one.

    Attributes:
        aspired_version_policy: Whether a new version is loaded before the old one is unloaded
            (`availability-preserving`), or after (`resource-preserving`), so that only one of them
            must fit into memory and nobody answers in between.
        max_num_load_retries: How often a load that failed is tried again.
        load_retry_interval_seconds: The pause before each of these tries.
        num_load_threads: How many versions may be loading at once.
        memory_limit_bytes: What all versions may take, by the estimate of their files; `None` for
            no limit.
        enable_model_warmup: Whether a version is sent its own warmup requests.
        xla_cpu_compilation_enabled: Whether to compile what a version says is worth it: it answers
            single texts faster, and takes longer to load.
    """

    aspired_version_policy: AspiredVersionPolicyName = "availability-preserving"
    max_num_load_retries: int = 5
    load_retry_interval_seconds: float = 60.0
    num_load_threads: int = 1
    memory_limit_bytes: int | None = None
    enable_model_warmup: bool = True
    xla_cpu_compilation_enabled: bool = False
