"""The options of a server, and the keywords that it took before it took options."""

from typing import Any

import pytest

from lstm_sentiment.errors import InvalidInputError
from lstm_sentiment.models_config.config import single_model_config
from lstm_sentiment.serving.batching.parameters import BatchingParameters
from lstm_sentiment.serving.server import ModelServer
from lstm_sentiment.serving.server_options import ServerOptions
from lstm_sentiment.system import usable_cpus

CONFIG = single_model_config("sentiment", "/nowhere")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"grpc_max_threads": 0},
            "`grpc_max_threads` must be a positive integer. Received: grpc_max_threads=0.",
        ),
        (
            {"rest_api_timeout_seconds": 0.0},
            "`rest_api_timeout_seconds` must be a positive number. "
            "Received: rest_api_timeout_seconds=0.0.",
        ),
    ],
)
def test_a_number_out_of_its_range_is_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidInputError) as caught:
        ServerOptions(**options)
    assert str(caught.value) == message


def test_requests_that_wait_for_a_batch_need_no_thread() -> None:
    batching = BatchingParameters(max_batch_size=3, max_enqueued_batches=4, num_batch_threads=2)
    assert ServerOptions().max_threads == 4 * usable_cpus()
    assert ServerOptions(batching=batching).max_threads == 4 * usable_cpus()
    assert ServerOptions(batching=batching, grpc_max_threads=7).max_threads == 7


def test_the_keywords_of_before_are_taken_with_a_warning_that_shows_the_new_way(
    recwarn: pytest.WarningsRecorder,
) -> None:
    server = ModelServer(CONFIG, ui=False, loading=None, port=0)
    assert not server.has_ui
    [warning] = recwarn
    assert warning.category is DeprecationWarning
    assert warning.filename == __file__
    assert str(warning.message) == (
        "ui, loading of ModelServer: deprecated, to be removed in the next release. "
        "Instead: ModelServer(config, ServerOptions(ui=..., loading=...))."
    )


def test_what_the_design_shows_warns_of_nothing(recwarn: pytest.WarningsRecorder) -> None:
    assert ModelServer(CONFIG, port=0, rest_api_port=0, host="127.0.0.1").has_ui
    assert ModelServer(CONFIG, ServerOptions(ui=True)).has_ui
    assert list(recwarn) == []


def test_options_and_keywords_together_are_refused() -> None:
    with pytest.raises(InvalidInputError) as caught:
        ModelServer(CONFIG, ServerOptions(), ui=False, grace_seconds=1.0)
    assert str(caught.value) == (
        "the options of a ModelServer must be given as `options` alone. "
        "Received: `options` and ui, grace_seconds."
    )


def test_a_keyword_that_never_was_one_is_a_type_error() -> None:
    with pytest.raises(TypeError, match="unexpected keyword argument 'colour'"):
        ModelServer(CONFIG, colour="red")
