"""The shadow of a server, over the versions of its manager."""

from collections.abc import Callable, Collection

from lstm_sentiment.errors import InvalidInputError
from lstm_sentiment.serving.batching.batching_servable import unbatched
from lstm_sentiment.serving.inference.classification import classify
from lstm_sentiment.serving.inference.examples import INPUTS
from lstm_sentiment.serving.manager.manager import Manager
from lstm_sentiment.serving.shadow.answers import GivenAnswer
from lstm_sentiment.serving.shadow.drawn_texts import ShadowQuestion
from lstm_sentiment.serving.shadow.options import ShadowOptions
from lstm_sentiment.serving.shadow.shadow import AskShadow, Shadow
from lstm_sentiment.serving.shadow.tally import ShadowOutcome


def managed_shadow(
    options: ShadowOptions,
    model_names: Collection[str],
    manager: Manager,
    *,
    when_known: Callable[[str, ShadowOutcome], None] | None,
    with_texts: bool,
) -> Shadow:
    """Makes the shadow of a server.

    Args:
        options: The shadow version, and which requests it gets.
        model_names: The models of the server.
        manager: The manager of their versions.
        when_known: Called with the model's name and the outcome of drawn texts; must be quick.
        with_texts: Whether the report may show the texts on which the versions disagree.

    Returns:
        The shadow, not started.

    Raises:
        InvalidInputError: If the options name another model, or none where there are several.
    """
    name = _model_name(options.model_name, model_names)

    def know(outcome: ShadowOutcome) -> None:
        if when_known is not None:
            when_known(name, outcome)

    return Shadow(
        options,
        name,
        asking_shadow(manager),
        manager.version_of_label,
        when_known=know,
        with_texts=with_texts,
    )


def asking_shadow(manager: Manager) -> AskShadow:
    """Makes a function that calls a manager's versions, and holds each for one call.

    Args:
        manager: The manager of the versions.

    Returns:
        The function; it bypasses the batching queue, so that no request waits behind it.
    """

    def ask(question: ShadowQuestion) -> GivenAnswer:
        of = question.servable_id
        with manager.get_handle(of.name, of.version) as handle:
            servable, key = unbatched(handle.servable), question.signature_key
            if question.is_classify:
                return classify(servable, key, question.inputs[INPUTS].tolist())
            return servable.run(key, question.inputs)

    return ask


def _model_name(asked: str | None, model_names: Collection[str]) -> str:
    if asked is None and len(model_names) == 1:
        return next(iter(model_names))
    if asked not in model_names or asked is None:
        known = ", ".join(map(repr, sorted(model_names)))
        raise InvalidInputError(
            "the model to shadow must be one of the server's, and be named where there are "
            f"several: {known}. Received: {'none' if asked is None else repr(asked)}."
        )
    return asked
