from lstm_sentiment.serving.counts import Counts


def test_counts_of_processes_that_have_ended_add_up_and_the_larger_maximum_stays() -> None:
    one = Counts(
        {(): {"requests": {"OK": 3}}, ("a", "1"): {"sizes": ((1, 2), 3.5)}},
        {("a", "1", "2"): 0.25},
        frozenset({("a", "1")}),
        {"memory": 7},
    )
    other = Counts({(): {"requests": {"OK": 4, "LATE": 1}}, ("a", "1"): {"sizes": ((0, 5), 1.0)}})
    other.maxima[("a", "1", "2")] = 0.125
    ended = Counts().ended(one).ended(other)
    assert ended.sums == {
        (): {"requests": {"OK": 7, "LATE": 1}},
        ("a", "1"): {"sizes": ((1, 7), 4.5)},
    }
    assert ended.maxima == {("a", "1", "2"): 0.25}
    # What holds of a living process only.
    assert ended.now == {}
    assert one.sums[()] == {"requests": {"OK": 3}}


def test_counts_of_versions_that_nobody_has_any_more_are_dropped() -> None:
    groups = {(): 1, ("a", ""): 2, ("a", "1"): 3, ("a", "2"): 4, ("a", "1", "2"): 5, ("b", "1"): 6}
    kept = Counts(dict(groups), dict(groups)).of_versions({("a", "1")})
    assert kept.sums == kept.maxima == {(): 1, ("a", ""): 2, ("a", "1"): 3}
