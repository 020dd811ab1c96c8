"""Finds the protocol of an address that a client failed to connect to, and any proxy between."""

import os
import socket
import ssl
from contextlib import suppress
from enum import Enum
from ipaddress import ip_address, ip_network
from urllib.parse import SplitResult, urlsplit
from urllib.request import getproxies, proxy_bypass

from lstm_sentiment.client.address import GRPCAddress

# In the order in which gRPC looks at them, in lower case alone.
_GRPC_PROXIES = ("grpc_proxy", "https_proxy", "http_proxy")
_PAST_PROXIES = ("no_grpc_proxy", "no_proxy")
_PROBE = b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
_PROBE_SECONDS = 1.0
_HTTP, _BAD_REQUEST = b"HTTP/", b"400"
_SETTINGS = 4  # the frame with which HTTP/2 begins, in its fourth byte


class Protocol(Enum):
    """The protocol of a port."""

    REST = "REST"
    GRPC = "gRPC"
    TLS = "TLS"


def protocol_at(host: str, port: int) -> Protocol | None:
    """Asks a port in the clear, and over TLS if it does not answer, what it speaks.

    Returns:
        The protocol; `None` if it answers nothing known within a second or two.
    """
    begin = b""
    with suppress(OSError, ValueError):
        with socket.create_connection((host, port), _PROBE_SECONDS) as connection:
            connection.sendall(_PROBE)
            begin = connection.recv(64)
        # Servers of HTTPS may answer 400 in the clear.
        if begin.startswith(_HTTP) and begin.split()[1:2] != [_BAD_REQUEST]:
            return Protocol.REST
        if begin[3:4] == bytes([_SETTINGS]):
            return Protocol.GRPC
    with suppress(OSError, ValueError):
        # Whose certificate it is does not matter: nothing is sent.
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        with (
            socket.create_connection((host, port), _PROBE_SECONDS) as connection,
            context.wrap_socket(connection),
        ):
            return Protocol.TLS
    return Protocol.REST if begin.startswith(_HTTP) else None


def goes_past_proxies(host: str) -> bool:
    """Returns whether `no_proxy`, or NO_PROXY, which gRPC does not read, names a host."""
    return bool(host) and bool(proxy_bypass(host))


def grpc_hint(address: GRPCAddress, *, has_tls: bool, has_proxy: bool) -> str:
    """Returns what to do about a gRPC connection that failed; empty if nothing is known.

    Args:
        address: The server.
        has_tls: Whether TLS was spoken.
        has_proxy: Whether a proxy of the environment was used if there is one.
    """
    if not address.host:
        return ""
    proxy = _grpc_proxy(address.host) if has_proxy else None
    if proxy is not None:
        return _proxy_hint(*proxy, address.host)
    match protocol_at(address.host, address.port), has_tls:
        case Protocol.REST, False:
            return f"REST answers at port {address.port}: gRPC is on another, by default 8500."
        case ((Protocol.REST | Protocol.GRPC), True):
            return f"The server uses no TLS at port {address.port}: leave `tls` out."
        case Protocol.TLS, False:
            return f"The server uses TLS at port {address.port}: give `tls` (flag `--ssl-ca`)."
    return _nobody_hint(address.host, address.port)


def rest_hint(url: str, *, has_proxy: bool) -> str:
    """Returns what to do about a REST request that failed; empty if nothing is known.

    Args:
        url: The server's URL.
        has_proxy: Whether a proxy of the environment was used if there is one.
    """
    parts = urlsplit(url)
    host, port = parts.hostname or "", parts.port or {"https": 443}.get(parts.scheme, 80)
    proxies = getproxies() if has_proxy else {}
    if parts.scheme in proxies and not goes_past_proxies(host):
        proxy = _shown_proxy(urlsplit(proxies[parts.scheme]))
        return _proxy_hint(f"{parts.scheme}_proxy", proxy, host)
    match protocol_at(host, port), parts.scheme:
        case Protocol.GRPC, _:
            return f"gRPC answers at port {port}: REST is on another, by default 8501."
        case Protocol.REST, "https":
            return f"The server uses no TLS at port {port}: leave `tls` and https:// out."
        case Protocol.TLS, "http":
            return f"The server uses TLS at port {port}: give `tls` (flag `--ssl-ca`)."
    return _nobody_hint(host, port)


def _nobody_hint(host: str, port: int) -> str:
    """Returns what to do if no program listens at a port; empty if one does."""
    try:
        with socket.create_connection((host, port), _PROBE_SECONDS):
            return ""
    except ConnectionRefusedError:
        return "No server listens at this address: has it been started, and is the port right?"
    except (OSError, ValueError):
        return ""


def _grpc_proxy(host: str) -> tuple[str, str] | None:
    """Returns the variable and the address of the proxy that gRPC uses for a host."""
    name = next((name for name in _GRPC_PROXIES if name in os.environ), None)
    if name is None or goes_past_proxies(host) or _is_left_out(host):
        return None
    url = urlsplit(os.environ[name])
    return (name, _shown_proxy(url)) if url.scheme == "http" and url.hostname else None


def _is_left_out(host: str) -> bool:
    """Returns whether gRPC itself goes past the proxy: by the end of a name, or a network."""
    names = next(filter(None, map(os.environ.get, _PAST_PROXIES)), "")
    entries = [entry.strip() for entry in names.split(",") if entry.strip()]
    if any(host.endswith(entry) for entry in entries):
        return True
    for entry in entries:
        with suppress(ValueError):
            if ip_address(host) in ip_network(entry, strict=False):
                return True
    return False


def _proxy_hint(variable: str, proxy: str, host: str) -> str:
    return (
        f"`{variable}` in the environment sends it through the proxy {proxy}: add {host} to "
        "NO_PROXY to go past it."
    )


def _shown_proxy(url: SplitResult) -> str:
    """Returns the address of a proxy without its password."""
    place = url.netloc.rpartition("@")[2] or url.path
    return f"{url.scheme}://{place}" if url.scheme else place
