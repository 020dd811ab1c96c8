import pytest

from lstm_sentiment.errors import InvalidInputError
from lstm_sentiment.serving.access import connection_limit as limits
from lstm_sentiment.serving.access.connection_limit import KEPT_FREE, connection_limit
from lstm_sentiment.system import descriptor_limit


@pytest.fixture
def descriptors(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> None:
    limit, free = request.param
    monkeypatch.setattr(limits, "descriptor_limit", lambda: limit)
    monkeypatch.setattr(limits, "free_descriptors", lambda: free)


@pytest.mark.parametrize(
    ("descriptors", "listeners", "most"),
    [
        ((256, 240), 2, 88),
        ((1024, 1000), 2, 436),
        ((1024, 1000), 3, 290),
        ((2**20, 2**20 - 20), 2, 10_000),
        ((64, 40), 2, 8),
        ((256, 240), 0, 176),
    ],
    indirect=["descriptors"],
)
@pytest.mark.usefixtures("descriptors")
def test_connections_leave_descriptors_for_models_logs_and_certificates(
    listeners: int, most: int
) -> None:
    assert connection_limit(None, listeners) == most


@pytest.mark.parametrize("descriptors", [(256, 240)], indirect=True)
@pytest.mark.usefixtures("descriptors")
def test_as_many_as_are_asked_for_where_the_descriptors_allow_it() -> None:
    assert connection_limit(88, 2) == 88
    with pytest.raises(InvalidInputError, match=r"at most 88 here.*256 open files.*Received.*=89"):
        connection_limit(89, 2)


def test_what_is_kept_free_is_less_than_what_no_connection_gets() -> None:
    assert connection_limit(None, 1) <= descriptor_limit() - KEPT_FREE
