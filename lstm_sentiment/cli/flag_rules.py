"""The rules of flags that are no setting of a run: ranges, names and paths, by flag.

The flags that set a setting of `fit` have the setting's rule. `check_flags` checks every flag while
the command line is parsed, before a command begins its work.
"""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lstm_sentiment.errors import InvalidInputError
from lstm_sentiment.ranges import (
    ALPHA,
    BYTES,
    COUNT,
    DEVICES,
    EPOCHS,
    GRACE_SECONDS,
    NAME,
    PATH,
    PROBABILITY,
    SEED,
    SERVICE_NAME,
    SHARE,
    SHARE_BELOW_ONE,
    TIMEOUT_SECONDS,
    WAIT_SECONDS,
    WIDTH,
    Name,
    Range,
    Rule,
    broken_rule,
    from_zero,
    integers,
    positive_integers,
    positive_numbers,
    shown,
)
from lstm_sentiment.version_folder import MAX_VERSION

if TYPE_CHECKING:
    from typer.core import TyperGroup

_THREADS = from_zero(1_024, is_integer=True)
_INT32, _INT64 = 2**31 - 1, 2**63 - 1

NUMBERS: Mapping[str, Range] = {
    # Of several commands.
    "seed": SEED,
    "version": integers(0, MAX_VERSION),
    "against": integers(0, MAX_VERSION),
    "number": COUNT,
    "limit": COUNT,
    "show": from_zero(_INT32, is_integer=True),
    "workers": DEVICES,
    "gpus_per_worker": DEVICES,
    "timeout_seconds": TIMEOUT_SECONDS,
    "grace_seconds": GRACE_SECONDS,
    "confidence": PROBABILITY,
    "trials": positive_integers(100_000),
    "folds": integers(2, 50),
    "max_loss": SHARE,
    "random_share": SHARE,
    "alpha": ALPHA,
    "tolerance": from_zero(1e9),
    # vectors train
    "dim": WIDTH,
    "epochs": EPOCHS,
    "window": positive_integers(1_000),
    "min_count": COUNT,
    # serve
    "model_config_file_poll_wait_seconds": WAIT_SECONDS,
    "file_system_poll_wait_seconds": WAIT_SECONDS,
    "access_poll_wait_seconds": WAIT_SECONDS,
    "drain_seconds": GRACE_SECONDS,
    "max_num_load_retries": from_zero(_INT32, is_integer=True),
    "load_retry_interval_micros": integers(-_INT64, 366 * 86_400 * 1_000_000),
    "num_load_threads": _THREADS,
    "memory_limit_bytes": from_zero(_INT64, is_integer=True),
    "num_request_iterations_for_warmup": from_zero(1_000_000, is_integer=True),
    "tensorflow_session_parallelism": _THREADS,
    "tensorflow_intra_op_parallelism": _THREADS,
    "tensorflow_inter_op_parallelism": _THREADS,
    "latency_objective_millis": positive_numbers(1e9),
    "grpc_max_threads": _THREADS,
    "rest_api_timeout_in_ms": from_zero(_INT32, is_integer=True),
    "rest_api_keep_alive_seconds": Range("above 0 and at most 86400", 0, 86_400, is_above=True),
    "max_connections": from_zero(2**20, is_integer=True),
    "max_request_bytes": from_zero(_INT64, is_integer=True),
    "max_bytes_in_flight": from_zero(_INT64, is_integer=True),
    "max_batch_size": from_zero(_INT64, is_integer=True),
    "max_text_bytes": from_zero(_INT64, is_integer=True),
    "text_sample_share": SHARE,
    "shadow_share": SHARE,
    "drift_alpha": ALPHA,
    "request_log_max_bytes": BYTES,
    "request_log_max_age_seconds": TIMEOUT_SECONDS,
}
"""The range of each flag that takes a number, by the name of its parameter."""

_OF_ONE_COMMAND: Mapping[tuple[str, str], Rule] = {
    ("drift", "tolerance"): SHARE_BELOW_ONE,
    ("launch", "port"): integers(1, 65_535),
    ("serve", "model_base_path"): NAME,  # a URL is told what to do instead by the config's rule
    ("serve", "model_name"): Name(may_be_empty=True),  # as in TensorFlow Serving: the default
}

_NAME_OR_NONE = Name(may_be_empty=True)
_LONG_NAME, _LIST = Name(longest=10_000), Name(longest=100_000, may_be_empty=True)
NAMES: Mapping[str, Rule] = {
    "model_name": NAME,
    "version_label": NAME,
    "label": NAME,
    "study": NAME,
    "service": SERVICE_NAME,
    "storage": _LONG_NAME,
    "server": NAME,
    "rest_api": NAME,
    "address": NAME,
    "host": NAME,
    "shadow_to": _LONG_NAME,
    "shadow_of": _LONG_NAME,
    "shadow_model_name": NAME,
    "port": NAME,
    "rest_api_port": NAME,
    "grpc_socket_path": _NAME_OR_NONE,
    "grpc_channel_arguments": _LIST,
    "cors_allowed_origins": _LIST,
    "allowed_hosts": _LIST,
    "allowed_base_paths": _LIST,
}
"""The rule of each flag that takes a name or an address, by the name of its parameter."""

FREE_TEXT = frozenset(
    [
        "texts",
        "text_column",
        "label_column",
        "encoding",
        "neighbours",
        "settings",
        "command",
        "versions",
        "policy",
    ]
)
"""Parameters that take any text: it is looked up in what users have, or checked elsewhere."""


def rule_of(command: str, option: Any) -> Rule | None:
    """Returns the rule of a flag or argument, `None` where it has none.

    Args:
        command: The last word of the command's name.
        option: The parameter, as typer has it.
    """
    kind = value_type(option)
    if (command, option.name) in _OF_ONE_COMMAND:
        return _OF_ONE_COMMAND[command, option.name]
    if kind is Path:
        return PATH
    return NUMBERS.get(option.name) if kind in (int, float) else NAMES.get(option.name)


def value_type(option: Any) -> Any:
    """Returns the type of one value of a flag: of a list, that of its items."""
    annotation = option.type_descriptor.annotation
    return annotation.__args__[0] if option.type_descriptor.is_list else annotation


def check_flags(command: "TyperGroup") -> None:
    """Makes every command below this one check its flags while they are parsed."""
    for below in getattr(command, "commands", {}).values():
        check_flags(below)
    for option in command.params:
        rule = rule_of(command.name or "", option)
        if rule is not None and not hasattr(command, "commands"):
            _check_first(option, rule, is_typed=command.name == "serve")


def _check_first(option: Any, rule: Rule, *, is_typed: bool) -> None:
    """Adds the check of a rule to the conversion of what was typed.

    Args:
        option: The parameter, as typer has it.
        rule: Its rule.
        is_typed: A message names the flag as it is typed; else by its name in Python, as the
            library does that is called with it.
    """
    is_typed = is_typed or not isinstance(rule, Range)
    if isinstance(rule, Range):
        _show(option, rule)
    convert: Callable[..., Any] = option.process_value

    def process_value(context: Any, typed: Any) -> Any:
        if context.resilient_parsing:
            return convert(context, typed)
        if isinstance(rule, Range):
            value = convert(context, typed)
            _check(option, rule, value, typed if is_typed else None)
            return value
        _check(option, rule, typed, typed)
        return convert(context, typed)

    option.process_value = process_value


def _show(option: Any, rule: Range) -> None:
    """Shows the range in the help, as far as it is narrower than that of all numbers."""
    option.min = rule.lowest if rule.lowest > -_INT64 and not rule.is_above else option.min
    option.max = rule.highest if rule.highest < _INT32 and not rule.is_below else option.max


def _check(option: Any, rule: Rule, value: Any, typed: Any) -> None:
    """Checks a value, or each of a list; `typed` is what the message quotes, if it is no list."""
    is_list = isinstance(value, Sequence) and not isinstance(value, str)
    for one in value if is_list else (value,):
        if one is None or (broken := rule.broken_by(one)) is None:
            continue
        if typed is None:
            raise broken_rule(option.name, broken, one)
        name = option.opts[0] if option.opts[0].startswith("-") else option.display_name_raw
        received = typed if isinstance(rule, Range) else shown(one)
        raise InvalidInputError(f"`{name}` must be {broken}. Received: {received}.")
