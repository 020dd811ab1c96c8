"""Connections to gRPC that say nothing, more than the server has descriptors."""

from benchmarks.siege.attack import Attack, Target
from benchmarks.siege.idle import hold_idle

_CONNECTIONS = 2_000
_SECONDS = 12.0
_DESCRIPTORS = 256


def _run(target: Target) -> str:
    return hold_idle(target.host_and_port, _CONNECTIONS, _SECONDS)


ATTACK = Attack(
    name="idle-grpc-connections",
    stands_for="A3",
    what=f"{_CONNECTIONS:,} connections to gRPC that say nothing; {_DESCRIPTORS} descriptors.",
    run=_run,
    seconds=60.0,
    max_descriptors=_DESCRIPTORS,
)
