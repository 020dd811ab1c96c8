import pytest

from lstm_sentiment.serving.errors import NotEnoughMemoryError
from lstm_sentiment.serving.manager.memory_limit import check_fits, in_words
from lstm_sentiment.serving.servable_id import ServableId

GIB = 2**30


def test_what_fills_the_memory_to_the_last_byte_fits() -> None:
    check_fits(ServableId("sentiment", 3), 2 * GIB, in_use_bytes=2 * GIB, limit_bytes=4 * GIB)


def test_what_does_not_fit_is_refused() -> None:
    with pytest.raises(NotEnoughMemoryError) as caught:
        check_fits(
            ServableId("sentiment", 3), 2 * GIB, in_use_bytes=int(2.8 * GIB), limit_bytes=4 * GIB
        )
    assert str(caught.value) == (
        "version 3 of model sentiment must fit into the memory left for models: "
        "1.2 GiB of 4.0 GiB. Received: an estimate of 2.0 GiB."
    )


@pytest.mark.parametrize(
    ("num_bytes", "words"),
    [
        (0, "0 bytes"),
        (1023, "1023 bytes"),
        (1024, "1.0 KiB"),
        (3 * 2**20, "3.0 MiB"),
        (1536 * GIB, "1536.0 GiB"),
    ],
)
def test_amounts_of_memory_in_words(num_bytes: int, words: str) -> None:
    assert in_words(num_bytes) == words
