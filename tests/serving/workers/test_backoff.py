from lstm_sentiment.serving.workers.backoff import Backoff

AT_ONCE, LONG = 0.2, 3600.0


def test_the_first_is_replaced_at_once_and_the_next_ones_ever_later_up_to_half_a_minute() -> None:
    backoff = Backoff()
    pauses = [backoff.pause_after(AT_ONCE) for _ in range(12)]
    assert pauses[:4] == [0.0, 0.5, 1.0, 2.0]
    assert pauses == sorted(pauses)
    assert pauses[-1] == 30.0


def test_one_that_has_lived_long_is_replaced_at_once() -> None:
    backoff = Backoff()
    for _ in range(5):
        backoff.pause_after(AT_ONCE)
    assert backoff.pause_after(LONG) == 0.0
    assert backoff.pause_after(AT_ONCE) == 0.5
