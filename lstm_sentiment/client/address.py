"""Reads the address of a server, as `HOST:PORT` or as users of other tools write it."""

import re
from dataclasses import dataclass

from lstm_sentiment.errors import InvalidInputError

# Names that gRPC resolves by itself: https://github.com/grpc/grpc/blob/master/doc/naming.md.
_OF_GRPC = re.compile(r"(unix|unix-abstract|vsock|dns|ipv4|ipv6|xds|google-c2p):")
_SCHEME = re.compile(r"([a-z][a-z0-9+.-]*)://", re.IGNORECASE)
_IN_THE_CLEAR, _OVER_TLS = ("http", "grpc"), ("https", "grpcs")
_PLACE = re.compile(
    r"(?:\[(?P<ipv6>[0-9a-fA-F:.]+(?:%[\w.-]+)?)\]|(?P<host>[^\s:/\[\]@?#,\\]+))(?::(?P<port>[0-9]+))?"
)
_IPV6_ALONE = re.compile(r"[0-9a-fA-F]*:[0-9a-fA-F]*:[0-9a-fA-F:.]*")
_RULE = "the server must be HOST:PORT"
_MAX_PORT = 2**16 - 1
_TLS_PORT = 443
_USUAL_PORT = 8500


@dataclass(frozen=True)
class GRPCAddress:
    """An address that gRPC can connect to.

    Attributes:
        target: What gRPC takes.
        is_tls: Whether the address itself requires TLS.
        host: Name or IP address, without brackets; empty where gRPC resolves the name by itself.
        port: 0 where gRPC resolves the name by itself.
    """

    target: str
    is_tls: bool = False
    host: str = ""
    port: int = 0


def read_grpc_address(address: str, *, has_tls: bool) -> GRPCAddress:
    """Reads the gRPC address of a server.

    Args:
        address: `HOST:PORT`, such a URL as `http://HOST:PORT/` or `grpcs://HOST:PORT`, or a name
            that gRPC resolves by itself, such as `unix:/path`.
        has_tls: Whether TLS was required besides the address.

    Raises:
        InvalidInputError: If it is none, its port is out of range, or its scheme contradicts
            `has_tls`.
    """
    text = address.strip()
    if _OF_GRPC.match(text):
        return GRPCAddress(text)
    found = _SCHEME.match(text)
    scheme = found[1].lower() if found else ""
    if scheme and scheme not in (*_IN_THE_CLEAR, *_OVER_TLS):
        raise InvalidInputError(f"{_RULE}, without `{scheme}://`. Received: {address!r}.")
    if has_tls and scheme in _IN_THE_CLEAR:
        raise InvalidInputError(f"{address}: must begin with https:// where `tls` is given.")
    is_tls = scheme in _OVER_TLS
    place = (text[found.end() :] if found else text).removesuffix("/")
    rule = _RULE + (" alone, without a path" if "/" in place else "")
    host, port = read_place(place, address, rule)
    if port is not None:
        return GRPCAddress(place, is_tls, host, port)
    if not is_tls and not has_tls:
        raise InvalidInputError(
            f"{_RULE}: gRPC is usually on port {_USUAL_PORT}. Received: {address!r}, without a "
            "port."
        )
    return GRPCAddress(f"{place}:{_TLS_PORT}", is_tls, host, _TLS_PORT)


def read_place(place: str, address: str, rule: str) -> tuple[str, int | None]:
    """Reads the host and the port of an address.

    Args:
        place: The part of the address between its scheme and its path.
        address: The whole, for the message.
        rule: What the server must be, for the message.

    Returns:
        Name or IP address, without brackets; and the port, `None` where there is none.

    Raises:
        InvalidInputError: If it is none, or there is no such port.
    """
    match = _PLACE.fullmatch(place)
    if match is None:
        hint = ""
        if _IPV6_ALONE.fullmatch(place):
            hint = f", with an IPv6 address in brackets such as [::1]:{_USUAL_PORT}"
        raise InvalidInputError(f"{rule}{hint}. Received: {address!r}.")
    host, given = match["ipv6"] or match["host"], match["port"]
    if given is None:
        return host, None
    port = int(given) if len(given) <= len(str(_MAX_PORT)) else 0
    if not 0 < port <= _MAX_PORT:
        raise InvalidInputError(f"a port must be from 1 to {_MAX_PORT}. Received: {address!r}.")
    return host, port
