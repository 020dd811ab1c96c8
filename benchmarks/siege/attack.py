"""Attacks, and the server that each is given."""

import importlib
import pkgutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.siege import attacks


@dataclass(frozen=True)
class Target:
    """A server on loopback, as an attack sees it.

    Attributes:
        port: Of gRPC.
        rest_api_port: Of REST.
        base_path: Folder of the versions that the server serves, by the name `sentiment`.
        folder: An empty folder for the attack's own files.
    """

    port: int
    rest_api_port: int
    base_path: Path
    folder: Path

    @property
    def grpc_address(self) -> str:
        """The address of gRPC, `host:port`."""
        return f"127.0.0.1:{self.port}"

    @property
    def host_and_port(self) -> tuple[str, int]:
        """The address of gRPC, as a socket takes it."""
        return "127.0.0.1", self.port

    @property
    def rest_address(self) -> tuple[str, int]:
        """The address of REST, as a socket takes it."""
        return "127.0.0.1", self.rest_api_port


@dataclass(frozen=True)
class Attack:
    """A bounded attack.

    Attributes:
        name: Of the attack, as `--only` takes it.
        stands_for: What it is an example of, such as `A1`.
        what: What it does, in a line.
        run: Attacks a server, in a process of its own; what it returns is shown. It must leave
            the server after some seconds, and is killed after `seconds`.
        seconds: The longest that it may take.
        flags: More flags for `serve`.
        config: Returns the text of the `models.config` to serve, for a base path; `None` to serve
            the base path alone.
        max_descriptors: File descriptors that the server may have.
    """

    name: str
    stands_for: str
    what: str
    run: Callable[[Target], str]
    seconds: float = 30.0
    flags: Sequence[str] = ()
    config: Callable[[Path], str] | None = None
    max_descriptors: int = 1024


def all_attacks() -> dict[str, Attack]:
    """Returns the attacks of all modules in `attacks`, by their names."""
    found = {}
    for module in sorted(pkgutil.iter_modules(attacks.__path__), key=lambda each: each.name):
        attack: Attack = importlib.import_module(f"{attacks.__name__}.{module.name}").ATTACK
        found[attack.name] = attack
    return found
