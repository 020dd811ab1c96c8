import pytest

from lstm_sentiment.errors import ConfigError
from lstm_sentiment.models_config.config import parse_models_config
from lstm_sentiment.models_config.logging_config import request_logging

FILE = 'log_collector_config { type: "file" filename_prefix: "/logs/hotel" }'


def text_of(logging: str) -> str:
    return (
        'model_config_list { config { name: "m" base_path: "/m" model_platform: "tensorflow" '
        f"{logging} }} "
        'config { name: "silent" base_path: "/s" model_platform: "tensorflow" } }'
    )


def test_what_is_logged_is_read_for_the_models_that_log() -> None:
    config = parse_models_config(
        text_of(f"logging_config {{ {FILE} sampling_config {{ sampling_rate: 0.25 }} }}")
    )
    logging = request_logging(config)
    assert logging.keys() == {"m"}
    assert (logging["m"].filename_prefix, logging["m"].sampling_rate) == ("/logs/hotel", 0.25)


def test_without_a_sampling_rate_nothing_is_sampled() -> None:
    config = parse_models_config(text_of(f"logging_config {{ {FILE} }}"))
    assert request_logging(config)["m"].sampling_rate == 0


@pytest.mark.parametrize("rate", ["0", "1", "0.5", "1e-9"])
def test_any_share_is_taken(rate: str) -> None:
    parse_models_config(
        text_of(f"logging_config {{ {FILE} sampling_config {{ sampling_rate: {rate} }} }}")
    )


@pytest.mark.parametrize(
    ("logging", "message"),
    [
        (
            "",
            "the type of log_collector_config must be \"file\". Received: type='' for model 'm'.",
        ),
        (
            'log_collector_config { type: "kafka" filename_prefix: "/logs/hotel" }',
            'the type of log_collector_config must be "file". '
            "Received: type='kafka' for model 'm'.",
        ),
        (
            'log_collector_config { type: "file" }',
            "filename_prefix must be a path that ends in the beginning of a file's name. "
            "Received: filename_prefix='' for model 'm'.",
        ),
        (
            'log_collector_config { type: "file" filename_prefix: "/logs/" }',
            "filename_prefix must be a path that ends in the beginning of a file's name. "
            "Received: filename_prefix='/logs/' for model 'm'.",
        ),
        (
            f"{FILE} sampling_config {{ sampling_rate: 1.5 }}",
            "sampling_rate must be a number from 0 to 1. "
            "Received: sampling_rate=1.5 for model 'm'.",
        ),
        (
            f"{FILE} sampling_config {{ sampling_rate: -0.1 }}",
            "sampling_rate must be a number from 0 to 1. "
            "Received: sampling_rate=-0.1 for model 'm'.",
        ),
        (
            f"{FILE} sampling_config {{ sampling_rate: nan }}",
            "sampling_rate must be a number from 0 to 1. "
            "Received: sampling_rate=nan for model 'm'.",
        ),
        (
            f"{FILE} sampling_config {{ per_task_sampling_configs {{ sampling_rate: 1 }} }}",
            "per_task_sampling_configs is not supported, since a server here has no task; use "
            "sampling_rate. Received: per_task_sampling_configs for model 'm'.",
        ),
        (
            f'{FILE} custom_logging_config {{ type_url: "x" }}',
            "custom_logging_config is not supported; use log_collector_config and "
            "sampling_config. Received: custom_logging_config for model 'm'.",
        ),
    ],
)
def test_what_cannot_be_logged_as_asked_is_refused(logging: str, message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse_models_config(text_of(f"logging_config {{ {logging} }}"))
    assert str(caught.value) == f"models.config: {message}"


def test_attributes_are_taken() -> None:
    parse_models_config(text_of(f"logging_config {{ {FILE} sampling_config {{ attributes: 3 }} }}"))
