"""Runs an attack on a server of its own, and measures before, during and after it."""

import multiprocessing
import resource
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path

from benchmarks.processes import Checkout, Server
from benchmarks.siege.attack import Attack, Target, all_attacks
from benchmarks.siege.cost import Cost, costs

_MOST_MEMORY_BYTES = 6 << 30
_MOST_CPU_SECONDS = 300
_MOST_LOG_BYTES = 64 << 20
_CALM_SECONDS = 2.0
_RESTING_SECONDS = 3.0


@dataclass(frozen=True)
class Outcome:
    """The outcome of one attack on one server.

    Attributes:
        told: What the attack itself saw.
        before: Over two seconds before it.
        during: Over the attack.
        after: Over two seconds, three seconds after it.
    """

    told: str
    before: Cost
    during: Cost
    after: Cost


def measure(attack: Attack, checkout: Checkout, base_path: Path, flags: Sequence[str]) -> Outcome:
    """Runs an attack on a server of a checkout.

    The server is limited: 6 GiB of memory, 300 seconds of CPU, files (its log among them) of 64
    MiB, and the attack's `max_descriptors`.

    Args:
        attack: The attack.
        checkout: Whose server is attacked.
        base_path: Folder of the versions that it serves.
        flags: More flags for `serve`.
    """
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        with _served(attack, checkout, base_path, flags, folder) as server:
            own = folder / "attack"
            own.mkdir()
            target = Target(server.port, server.rest_api_port, base_path, own)
            with costs(server) as before:
                time.sleep(_CALM_SECONDS)
            with costs(server) as during:
                told = _run(attack, target)
            time.sleep(_RESTING_SECONDS)
            with costs(server) as after:
                time.sleep(_CALM_SECONDS)
            return Outcome(told, before, during, after)


@contextmanager
def _served(
    attack: Attack, checkout: Checkout, base_path: Path, flags: Sequence[str], folder: Path
) -> Iterator[Server]:
    limits = {
        resource.RLIMIT_DATA: _MOST_MEMORY_BYTES,
        resource.RLIMIT_CPU: _MOST_CPU_SECONDS,
        resource.RLIMIT_FSIZE: _MOST_LOG_BYTES,
        resource.RLIMIT_NOFILE: attack.max_descriptors,
        resource.RLIMIT_CORE: 0,
    }
    all_flags = [*attack.flags, *flags]
    if attack.config is not None:
        config = folder / "models.config"
        config.write_text(attack.config(base_path))
        all_flags.append(f"--model-config-file={config}")
    with checkout.served(base_path, *all_flags, limits=limits) as server:
        yield server


def _run(attack: Attack, target: Target) -> str:
    # A process of its own: what the attack takes of the CPU is not taken from those who measure.
    spawning = multiprocessing.get_context("spawn")
    receiving, sending = spawning.Pipe(duplex=False)
    process = spawning.Process(target=_run_here, args=(attack.name, target, sending))
    process.start()
    sending.close()
    process.join(attack.seconds)
    if process.is_alive():
        process.kill()
        process.join()
        return f"stopped after {attack.seconds:g} s"
    return str(receiving.recv()) if process.exitcode == 0 else "the attack itself failed"


def _run_here(name: str, target: Target, sending: "Connection[str, str]") -> None:
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    sending.send(all_attacks()[name].run(target))
