"""`serve` reads its flags as TensorFlow Serving does: `--enable_batching=true`, `--port=8500`."""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from typer.core import TyperCommand

from lstm_sentiment.cli.stock_flags import STOCK_FLAGS, note_on, truth
from lstm_sentiment.errors import InvalidInputError

if TYPE_CHECKING:
    from collections.abc import Sequence


class StockCommand(TyperCommand):
    """A command that takes the flags of `STOCK_FLAGS` too, and a value for each switch."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Parses a command line, after the flags that typer does not know are taken out of it.

        Raises:
            InvalidInputError: If a value is of another type, or a flag is refused.
        """
        switches = {name: option for option in self.params for name in _names_of_switch(option)}
        with_value = {
            name for option in self.params for name in option.opts if name not in switches
        }
        notes: list[str] = []
        own = _own_arguments(args, switches, with_value, notes)
        rest = super().parse_args(ctx, own)
        if notes and not ctx.resilient_parsing:
            from lstm_sentiment.cli.console import say

            for note in notes:
                say(note)
        return rest


def _names_of_switch(option: Any) -> "Sequence[str]":
    if not getattr(option, "is_flag", False):
        return ()
    return (*option.opts, *option.secondary_opts)


def _own_arguments(
    args: "Sequence[str]", switches: Mapping[str, Any], with_value: set[str], notes: list[str]
) -> list[str]:
    """Returns the arguments that typer knows, as it takes them; adds to `notes`."""
    own: list[str] = []
    left = iter(args)
    for argument in left:
        flag, equals, value = argument.partition("=")
        name = flag.replace("_", "-") if flag.startswith("--") else flag
        if name == "--":
            own += [argument, *left]
        elif name in STOCK_FLAGS:
            given = value if equals else _value_after(name, left)
            note = note_on(name, given)
            notes += [note] if note is not None else []
        elif equals and name in switches:
            _set(own, switches[name], name, value)
        else:
            own.append(argument)
            if name in with_value and not equals:
                own += [*_next(left)]
    return own


def _value_after(name: str, left: Iterator[str]) -> str | None:
    """Returns the value behind a flag, taken from the arguments; `None` for a switch."""
    return None if STOCK_FLAGS[name].kind is truth else next(left, None)


def _next(left: Iterator[str]) -> Iterator[str]:
    following = next(left, None)
    if following is not None:
        yield following


def _set(own: list[str], option: Any, name: str, value: str) -> None:
    """Replaces a switch that is set before: the last one counts."""
    try:
        is_on = truth(value)
    except ValueError:
        raise InvalidInputError(f"`{name}` must be true or false. Received: {value}.") from None
    names = _names_of_switch(option)
    own[:] = [one for one in own if one.replace("_", "-") not in names]
    if name in option.secondary_opts:
        is_on = not is_on
    if is_on:
        own.append(option.opts[0])
    elif option.secondary_opts:
        own.append(option.secondary_opts[0])
