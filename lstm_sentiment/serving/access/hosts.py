"""The names under which a REST server can be reached: the header `Host`.

A page of somebody else's can give its own name the address of this machine (DNS rebinding); a
browser then takes the server for a part of that page, and sends the page's name as `Host`. So only
names are answered that nobody else can have: https://en.wikipedia.org/wiki/DNS_rebinding.
"""

import ipaddress
import re
import socket
from collections.abc import Iterable
from typing import Final

from lstm_sentiment.errors import InvalidInputError

ANY_HOST: Final = "*"
"""Stands for all hosts: `Host` is not checked."""

_IPAddress = ipaddress.IPv4Address | ipaddress.IPv6Address

_LABEL = r"[a-z0-9_](?:[a-z0-9_-]*[a-z0-9_])?"
_NAME = re.compile(rf"{_LABEL}(?:\.{_LABEL})*")
_HOST = re.compile(rb"(\[[0-9A-Za-z:.%_-]+\]|[0-9A-Za-z._-]+)(?::[0-9]{0,5})?")
_MAX_NAME_LENGTH = 253
_MAX_KNOWN = 256

# How containers call the machine that they run on; `internal` is nobody's in the public DNS.
_NAMES_OF_THIS_MACHINE = frozenset(
    {"host.docker.internal", "gateway.docker.internal", "host.containers.internal"}
)
# Domains that the public DNS has not: RFC 6761, 6762 and 8375, ICANN's `internal`, Kubernetes' own.
_PRIVATE_DOMAINS = ("localhost", "local", "internal", "home.arpa", "svc")


class AllowedHosts:
    """Hosts that a server accepts by a flag."""

    def __init__(self, hosts: Iterable[str]) -> None:
        """Keeps the hosts.

        Args:
            hosts: Each a name such as `api.example.org`, an address, `*.example.org` for all names
                below it, or `*` for all hosts. Upper case and a dot at the end make no difference.

        Raises:
            InvalidInputError: If one has another form, such as a URL or one with a port.
        """
        self._names: set[str] = set()
        self._domains: set[str] = set()
        self._addresses: set[_IPAddress] = set()
        self.are_all = False
        for host in hosts:
            self._add(host)

    def _add(self, host: str) -> None:
        address = _address(host.removeprefix("[").removesuffix("]"))
        if host == ANY_HOST:
            self.are_all = True
        elif address is not None:
            self._addresses.add(address)
        elif host.startswith("*."):
            self._domains.add(_checked_name(host[2:], host))
        else:
            self._names.add(_checked_name(host, host))

    def allow_name(self, name: str) -> bool:
        """Returns whether a name, in lower case and without a dot at its end, is allowed."""
        if self.are_all or name in self._names:
            return True
        return any(name.endswith(f".{domain}") for domain in self._domains)

    def allow_address(self, address: _IPAddress) -> bool:
        """Returns whether an address is allowed."""
        return self.are_all or address in self._addresses


class ServedHosts:
    """Decides which values of `Host` a server accepts.

    Always: `localhost`, every loopback address, the address and the name that it listens on, names
    without a dot, such as those of a proxy's upstream or a container, and those of the flag.
    A server that other machines reach also accepts every address, by this machine's name,
    and by names in domains that the public DNS has not, such as
    `sentiment.default.svc.cluster.local`. None of them can be that of a page from outside. Ports
    make no difference, since proxies and containers change them.
    """

    def __init__(self, host: str, address: str, allowed: AllowedHosts | None = None) -> None:
        """Keeps what the server listens on.

        Args:
            host: The name or address of the flag to listen on.
            address: The address that it listens on.
            allowed: Further hosts; `None` for none.
        """
        self._allowed = allowed or AllowedHosts([])
        self._host = _plain(host)
        self._address = _address(address)
        self._is_reached = self._address is None or not self._address.is_loopback
        self._own_name = _plain(socket.gethostname())
        # The last values that were allowed: nearly all requests have one of a few.
        self._known: set[bytes] = set()

    def allow(self, host: bytes) -> bool:
        """Returns whether a request with this `Host` is answered."""
        if host in self._known:
            return True
        if not self._decide(host):
            return False
        if len(self._known) >= _MAX_KNOWN:
            self._known.clear()
        self._known.add(host)
        return True

    def _decide(self, host: bytes) -> bool:
        if self._allowed.are_all:
            return True
        found = _HOST.fullmatch(host.strip())
        if found is None:
            return False
        name = _plain(found[1].decode("ascii"))
        address = _address(name.removeprefix("[").removesuffix("]"))
        return self._allows_name(name) if address is None else self._allows_address(address)

    def _allows_address(self, address: _IPAddress) -> bool:
        return (
            self._is_reached
            or address.is_loopback
            or address.is_unspecified
            or address == self._address
            or self._allowed.allow_address(address)
        )

    def _allows_name(self, name: str) -> bool:
        if not _NAME.fullmatch(name) or len(name) > _MAX_NAME_LENGTH:
            return False
        if "." not in name or name == self._host or name.endswith(".localhost"):
            return True
        if name in _NAMES_OF_THIS_MACHINE:
            return True
        return self._allowed.allow_name(name) or (self._is_reached and self._is_private(name))

    def _is_private(self, name: str) -> bool:
        domains = tuple(f".{domain}" for domain in _PRIVATE_DOMAINS)
        return name == self._own_name or name.endswith(domains)


def _plain(host: str) -> str:
    return host.lower().removesuffix(".")


def _address(host: str) -> _IPAddress | None:
    try:
        address = ipaddress.ip_address(host.replace("%25", "%", 1))
    except ValueError:
        return None
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
        return address.ipv4_mapped
    return address


def _checked_name(name: str, given: str) -> str:
    try:
        plain = _plain(name.encode("idna").decode("ascii")) if not name.isascii() else _plain(name)
    except UnicodeError:
        plain = ""
    if not _NAME.fullmatch(plain) or len(plain) > _MAX_NAME_LENGTH:
        raise InvalidInputError(
            "an allowed host must be a name such as api.example.org, *.example.org for the names "
            "below it, an address, or * for all, without a scheme, a port or a path. "
            f"Received: {given!r}."
        )
    return plain
