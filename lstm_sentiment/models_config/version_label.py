"""The argument `version_label`, and `label`, its name in earlier releases."""

from collections.abc import Callable
from functools import wraps
from typing import Any, ParamSpec, TypeVar, cast

from lstm_sentiment.errors import InvalidInputError

_Arguments = ParamSpec("_Arguments")
_Result = TypeVar("_Result")


def chosen_label(
    version: int | None, version_label: str | None, label: str | None = None
) -> str | None:
    """Returns the version label that is named, `None` for a version number or neither.

    Args:
        version: A version number.
        version_label: A version label.
        label: A version label by the older name.

    Raises:
        InvalidInputError: If more than one of the arguments is given.
    """
    if version_label is not None and label is not None:
        raise _both_names(version_label, label)
    version_label = label if version_label is None else version_label
    if version is not None and version_label is not None:
        raise InvalidInputError(
            "at most one of `version` and `version_label` may be given. "
            f"Received: version={version}, version_label={version_label!r}."
        )
    return version_label


def accepts_label(function: Callable[_Arguments, _Result]) -> Callable[_Arguments, _Result]:
    """Decorates a function with a parameter `version_label` to accept the keyword `label` too.

    The function raises InvalidInputError if both keywords are given.
    """

    @wraps(function)
    def with_older_name(*args: Any, **kwargs: Any) -> _Result:
        if "label" in kwargs:
            label = kwargs.pop("label")
            if "version_label" in kwargs:
                raise _both_names(kwargs["version_label"], label)
            kwargs["version_label"] = label
        return function(*args, **kwargs)

    return cast(Callable[_Arguments, _Result], with_older_name)


def _both_names(version_label: str, label: str) -> InvalidInputError:
    return InvalidInputError(
        "`label` is the older name of `version_label`: at most one of them may be given. "
        f"Received: version_label={version_label!r}, label={label!r}."
    )
