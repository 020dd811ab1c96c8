from hypothesis import given
from hypothesis import strategies as st

from lstm_sentiment.models_config.version_policy import All, Latest, Specific, aspired_versions

VERSIONS = st.frozensets(st.integers(0, 30), max_size=8)


@given(VERSIONS, st.integers(0, 10))
def test_latest_takes_the_highest_numbers_and_at_least_one(
    found: frozenset[int], num_versions: int
) -> None:
    aspired = aspired_versions(Latest(num_versions), found)
    assert len(aspired) == min(max(num_versions, 1), len(found))
    assert aspired <= found
    assert all(left < kept for left in found - aspired for kept in aspired)


@given(VERSIONS, VERSIONS)
def test_all_takes_everything_and_specific_what_is_there_of_it(
    found: frozenset[int], wanted: frozenset[int]
) -> None:
    assert aspired_versions(All(), found) == found
    assert aspired_versions(Specific(wanted), found) == found & wanted


def test_the_default_is_the_latest_version_alone() -> None:
    assert aspired_versions(Latest(), [2, 10, 9]) == {10}
