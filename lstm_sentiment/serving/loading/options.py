"""Options of loading versions."""

from dataclasses import dataclass, field
from typing import Annotated, Literal, get_args

from lstm_sentiment.checks import one_of
from lstm_sentiment.errors import InvalidInputError
from lstm_sentiment.ranges import BYTES, COUNT, THREADS, WAIT_SECONDS, check_fields, from_zero
from lstm_sentiment.serving.saved_model.threads import TensorFlowThreads

Engine = Literal["auto", "light", "tensorflow"]
_RETRIES = from_zero(2**31 - 1, is_integer=True)
AspiredVersionPolicyName = Literal["availability-preserving", "resource-preserving"]


@dataclass(frozen=True, kw_only=True)
class LoadingOptions:
    """Options of loading versions, named after TensorFlow Serving's flags where it has them.

    Attributes:
        engine: `light` loads light twins alone, `tensorflow` SavedModels alone; `auto` loads a
            version's light twin where it has one that agrees with its card, else its
            SavedModel.
        aspired_version_policy: `availability-preserving` loads a new version before it unloads the
            old one; `resource-preserving` unloads first, so that only one of them must fit into
            memory and none is available in between.
        max_num_load_retries: Retries of a failed load.
        load_retry_interval_seconds: Pause before each retry.
        num_load_threads: Versions that load at the same time at most.
        memory_limit_bytes: Memory for all versions, estimated by their files; `None` for no limit.
        enable_model_warmup: Runs a version's own warmup requests when it is loaded.
        num_request_iterations_for_warmup: Times that each of these requests is run.
        xla_cpu_compilation_enabled: Compiles the functions that a version names: single texts are
            answered faster, loading takes longer. TensorFlow alone can: with the engine `auto` it
            loads all versions.
        tensorflow_threads: The threads of TensorFlow. A light twin computes in the thread of the
            request.

    Raises:
        InvalidInputError: If the engine is not one of these, or `light` with XLA, or a warmup
            request is to be run less than once.
    """

    engine: Engine = "auto"
    aspired_version_policy: AspiredVersionPolicyName = "availability-preserving"
    max_num_load_retries: Annotated[int, _RETRIES] = 5
    load_retry_interval_seconds: Annotated[float, WAIT_SECONDS] = 60.0
    num_load_threads: Annotated[int, THREADS] = 1
    memory_limit_bytes: Annotated[int | None, BYTES] = None
    enable_model_warmup: bool = True
    num_request_iterations_for_warmup: Annotated[int, COUNT] = 1
    xla_cpu_compilation_enabled: bool = False
    tensorflow_threads: TensorFlowThreads = field(default_factory=TensorFlowThreads)

    def __post_init__(self) -> None:
        """Checks that the engine is known and can compile."""
        one_of(get_args(Engine), engine=self.engine)
        check_fields(self)
        if self.engine == "light" and self.xla_cpu_compilation_enabled:
            raise InvalidInputError(
                "`xla_cpu_compilation_enabled` needs the engine `tensorflow`. "
                "Received: engine 'light'."
            )
