"""Steps of the library that show their progress, and those that are muted."""

import pytest

from lstm_sentiment.progress import MUTED, muted_below
from tests.recorder import Recorder


@pytest.mark.parametrize(("parts", "is_shown"), [(0, False), (99, False), (100, True), (101, True)])
def test_steps_that_end_at_once_are_not_shown(parts: int, is_shown: bool) -> None:
    progress = Recorder()
    chosen = muted_below(100, parts, progress)
    with chosen.step("Reading", parts) as advance:
        advance(parts)
    assert progress.steps == ([("Reading", parts)] if is_shown else [])
    assert is_shown or chosen is MUTED
