import pytest

from benchmarks.scaling.growth import (
    Compute,
    Network,
    all_reduce_seconds,
    fit_compute,
    fit_network,
    speed_up,
    step_seconds,
)

COMPUTE = Compute(fixed_seconds=0.01, seconds_per_text=0.001)
NETWORK = Network(bytes_per_second=1e8, latency_seconds=1e-4)
FREE = Network(bytes_per_second=float("inf"), latency_seconds=0.0)


def test_one_machine_has_nobody_to_talk_to() -> None:
    assert all_reduce_seconds(1, 1e6, NETWORK) == 0
    assert step_seconds(1, 64, COMPUTE, 1e6, NETWORK) == pytest.approx(0.01 + 0.064)


@pytest.mark.parametrize(
    ("machines", "expected"),
    [
        (2, 1e6 / 1e8 + 2e-4),  # half to the other, half back
        (4, 1.5e6 / 1e8 + 6e-4),
        (32, 2 * 31 / 32 * 1e6 / 1e8 + 62e-4),
    ],
)
def test_a_ring_sends_each_byte_almost_twice(machines: int, expected: float) -> None:
    assert all_reduce_seconds(machines, 1e6, NETWORK) == pytest.approx(expected)
    computing = 0.01 + 0.064 / machines
    assert step_seconds(machines, 64, COMPUTE, 1e6, NETWORK) == pytest.approx(computing + expected)


def test_speed_up_begins_at_one() -> None:
    for weak in (False, True):
        assert speed_up(1, 64, COMPUTE, 1e6, NETWORK, weak=weak) == pytest.approx(1)


def test_a_free_network_leaves_what_cannot_be_shared() -> None:
    assert speed_up(8, 64, COMPUTE, 1e6, FREE, weak=True) == pytest.approx(8)
    assert speed_up(8, 64, COMPUTE, 1e6, FREE, weak=False) == pytest.approx(0.074 / 0.018)
    all_shared = Compute(0.0, 0.001)
    assert speed_up(8, 64, all_shared, 1e6, FREE, weak=False) == pytest.approx(8)


def test_compute_is_found_from_step_times() -> None:
    batches = [8, 16, 64, 128]
    found = fit_compute(batches, [step_seconds(1, b, COMPUTE, 0, FREE) for b in batches])
    assert found.fixed_seconds == pytest.approx(COMPUTE.fixed_seconds)
    assert found.seconds_per_text == pytest.approx(COMPUTE.seconds_per_text)


@pytest.mark.parametrize("machines", [2, 3])
def test_network_is_found_from_all_reduces(machines: int) -> None:
    seconds = [all_reduce_seconds(machines, size, NETWORK) for size in (1e6, 0)]
    found = fit_network(machines, 1e6, *seconds)
    assert found is not None
    assert found.bytes_per_second == pytest.approx(NETWORK.bytes_per_second)
    assert found.latency_seconds == pytest.approx(NETWORK.latency_seconds)


def test_no_network_is_found_where_bytes_took_no_time() -> None:
    assert fit_network(2, 1e6, 0.001, 0.002) is None
