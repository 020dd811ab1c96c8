"""`explain`: the tokens of a text, with the weight of each for the predicted label."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from lstm_sentiment.cli import question_options as options
from lstm_sentiment.cli.flag_groups import takes_flag_groups
from lstm_sentiment.cli.options import PageLanguage, check_writable_file
from lstm_sentiment.cli.results import print_json
from lstm_sentiment.display_names import NO_NAMES, DisplayNames, load_display_names
from lstm_sentiment.errors import InvalidInputError
from lstm_sentiment.report.coloured_tokens import (
    signed,
    token_style,
    tokens_text,
    tokens_with_weights,
    visible,
)
from lstm_sentiment.system import write_whole
from lstm_sentiment.version_folder import EXPLAIN

if TYPE_CHECKING:
    from rich.console import Console
    from rich.text import Text

    from lstm_sentiment.client.predict_client import Explanation, PredictClient
    from lstm_sentiment.progress import Advance
    from lstm_sentiment.versions.predictor import SavedModelPredictor

_TEXTS_A_REQUEST = 64
_TEXTS_AT_ONCE = 16
# From this number of tokens on, the strongest are listed too.
_FEW_TOKENS = 12
_STRONGEST = 5


@takes_flag_groups
def explain(
    asked: options.Asked,
    texts: options.TextFlags,
    html: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Write an HTML page instead of printing.",
            show_default=False,
        ),
    ] = None,
    language: PageLanguage = None,
    as_json: options.AsJson = False,
) -> None:
    """Show which tokens of each text support its label, and which oppose it.

    In a terminal, blue tokens support the label; orange, underlined tokens oppose
    it. In a pipe or file, each token is followed by its weight, its part in the
    score of the label, one line per text.

    Example: python cli.py explain "房间很干净" --model models/sentiment
    """
    asked.check()
    if html is not None:
        check_writable_file(html)
    elif language is not None:
        raise InvalidInputError(
            f"`--language` must go with `--html`. Received: `--language {language}` alone."
        )
    wanted = texts.read()
    asked.find()
    from lstm_sentiment.cli.console import beside_output

    progress = beside_output(html)
    with (
        asked.opened() as version_asked,
        progress.step("Explaining", len(wanted)) as advance,
    ):
        size = _texts_at_once(version_asked, wanted)
        answers = _answers(version_asked, options.in_batches(wanted, size), advance)
        if html is not None:
            found = list(answers)
            _write_page(html, found, wanted, language, _display_names(version_asked))
            if as_json:
                _print_json(version_asked, wanted, iter(found))
        elif as_json:
            _print_json(version_asked, wanted, answers)
        else:
            _print(answers)


def _texts_at_once(asked: "PredictClient | SavedModelPredictor", texts: Sequence[str]) -> int:
    """Returns 1 for a server's version whose answers are as wide as their texts, of old releases.

    TensorFlow Serving can fail when it splits a request whose parts have answers of other widths.
    """
    from lstm_sentiment.client.predict_client import PredictClient

    if not isinstance(asked, PredictClient):
        return _TEXTS_AT_ONCE
    if len(texts) == 1:
        return 1
    try:
        shape = asked.metadata()[EXPLAIN].outputs["tokens"].shape
    except (InvalidInputError, KeyError):
        return 1
    return 1 if shape is None or None in shape[1:] else _TEXTS_A_REQUEST


def _answers(
    asked: "PredictClient | SavedModelPredictor",
    batches: Iterator[Sequence[str]],
    advance: "Advance",
) -> "Iterator[Explanation]":
    for batch in batches:
        yield from asked.explain(batch)
        advance(len(batch))


def _print_json(
    asked: "PredictClient | SavedModelPredictor",
    texts: Sequence[str],
    answers: "Iterator[Explanation]",
) -> None:
    from lstm_sentiment.versions.scoring.columns import class_names

    names: Sequence[str] = ()
    for text, answer in zip(texts, answers, strict=True):
        names = names or class_names(asked, [answer])
        print_json(explanation_record(text, answer, names))


def explanation_record(
    text: str, answer: "Explanation", label_names: Sequence[str]
) -> dict[str, Any]:
    """Returns a text and its explanation as `explain --json` writes them."""
    return {
        "text": text,
        "label": answer.label,
        "classification": _classification(answer),
        "probabilities": dict(zip(label_names, answer.probabilities, strict=True)),
        "tokens": list(answer.tokens),
        "attributions": list(answer.attributions),
        "model_version": answer.model_version,
    }


def _classification(answer: "Explanation") -> int:
    return max(range(len(answer.probabilities)), key=answer.probabilities.__getitem__)


def _display_names(asked: "PredictClient | SavedModelPredictor") -> DisplayNames:
    """Returns the names that people see; those of a server's version are not known here."""
    from lstm_sentiment.client.predict_client import PredictClient

    return NO_NAMES if isinstance(asked, PredictClient) else load_display_names(asked.version_dir)


def _write_page(
    path: Path,
    answers: "Sequence[Explanation]",
    texts: Sequence[str],
    language: Literal["en", "zh"] | None,
    names: DisplayNames,
) -> None:
    from lstm_sentiment.cli.console import say
    from lstm_sentiment.report.explanation_page import explanation_page

    try:
        with write_whole(path) as file:
            page = explanation_page(answers, texts, language=language, names=names)
            file.write(page.encode())
    except OSError as error:
        raise InvalidInputError(f"{path}: cannot be written: {error.strerror}.") from error
    say(f"Written: {path}")


def _print(answers: "Iterator[Explanation]") -> None:
    from lstm_sentiment.cli.console import output_console

    console = output_console()
    if not console.is_terminal:
        for answer in answers:
            print(_line(answer))
        return
    for number, answer in enumerate(answers):
        if number == 0:
            console.print(_legend(console))
        console.print()
        _print_for_people(console, answer)


def _line(answer: "Explanation") -> str:
    weighed = tokens_with_weights(answer.tokens, answer.attributions)
    return f"{visible(answer.label)}\t{max(answer.probabilities):.4f}\t{weighed}"


def _legend(console: "Console") -> "Text":
    from rich.text import Text

    if console.color_system is None:
        return Text("After each word its weight: + supports the label, - opposes it")
    legend = Text("These words ")
    legend.append(" support ", token_style(1)).append(" or ")
    return legend.append(" oppose ", token_style(-1)).append(" the label.")


def _print_for_people(console: "Console", answer: "Explanation") -> None:
    from rich.text import Text

    head = Text(visible(answer.label), style="bold")
    head.append(f"  {max(answer.probabilities):.1%}", style="not bold")
    console.print(head)
    if console.color_system is None:
        console.print(tokens_with_weights(answer.tokens, answer.attributions))
        return
    console.print(tokens_text(answer.tokens, answer.attributions))
    if len(answer.tokens) > _FEW_TOKENS:
        console.print(Text(_strongest(answer), style="dim"))


def _strongest(answer: "Explanation") -> str:
    weighed = zip(answer.tokens, answer.attributions, strict=True)
    first = sorted(weighed, key=lambda pair: -abs(pair[1]))[:_STRONGEST]
    told = ", ".join(f"{visible(token)} {signed(weight)}" for token, weight in first)
    return f"strongest: {told}"
