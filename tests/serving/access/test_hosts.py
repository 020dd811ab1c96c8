"""By which `Host` a server may be asked."""

import socket

import pytest

from lstm_sentiment.errors import InvalidInputError
from lstm_sentiment.serving.access.hosts import AllowedHosts, ServedHosts

OF_THIS_MACHINE = [
    b"localhost",
    b"localhost:8501",
    b"LocalHost.:8501",
    b"web.localhost",
    b"127.0.0.1",
    b"127.0.0.1:9999",
    b"127.255.0.3:80",
    b"[::1]:8501",
    b"[0:0:0:0:0:0:0:1]",
    b"[::ffff:127.0.0.1]:8501",
    b"host.docker.internal:8501",
    b"0.0.0.0:8501",
    b"[::]:8501",
    # Of a proxy's upstream, or of a service in a compose file.
    b"sentiment_backend",
    b"serving:8501",
    b"Serving.:80",
]
OF_SOMEBODY_ELSE = [
    b"evil.example",
    b"evil.example:8501",
    b"evil.example.:8501",
    b"127.0.0.1.evil.example",
    b"localhost.evil.example:8501",
    b"evillocalhost.example",
    b"notlocalhost.com",
    b"[::1].evil.example",
    b"localhost@evil.example",
    b"evil.example#localhost",
    b"localhost:8501:80",
    b"localhost, evil.example",
    b"localhost evil.example",
    b"local\x00host",
    "ｌocalhost".encode(),
    b"evil.example\x00.localhost",
    b"-.localhost",
    b".localhost",
    b"localhost..",
    b"a" * 300 + b".localhost",
    b"http://localhost",
    b":8501",
    b"",
]
OF_THE_NETWORK = [
    b"10.244.1.7:8501",
    b"192.168.1.5",
    b"203.0.113.9:30001",
    b"[2001:db8::7]:8501",
    b"[fe80::1%25eth0]:8501",
    b"sentiment.default.svc:8501",
    b"sentiment.default.svc.cluster.local:8501",
    b"ip-10-0-0-5.ec2.internal",
    b"printer.local",
]


def loopback(*allowed: str) -> ServedHosts:
    return ServedHosts("127.0.0.1", "127.0.0.1", AllowedHosts(allowed))


@pytest.mark.parametrize("host", OF_THIS_MACHINE)
@pytest.mark.parametrize(
    "bound",
    [
        ("127.0.0.1", "127.0.0.1"),
        ("::1", "::1"),
        ("localhost", "127.0.0.1"),
        ("0.0.0.0", "0.0.0.0"),
    ],
)
def test_every_server_answers_to_the_names_of_this_machine(
    host: bytes, bound: tuple[str, str]
) -> None:
    assert ServedHosts(*bound).allow(host)


@pytest.mark.parametrize("host", OF_SOMEBODY_ELSE)
@pytest.mark.parametrize("bound", ["127.0.0.1", "::1", "0.0.0.0", "::", "192.168.1.5"])
def test_no_server_answers_to_the_name_of_somebody_else(host: bytes, bound: str) -> None:
    hosts = ServedHosts(bound, bound)
    assert not hosts.allow(host)
    assert not hosts.allow(host)


@pytest.mark.parametrize("host", OF_THE_NETWORK)
def test_a_server_that_others_reach_answers_to_what_no_page_outside_can_be_called(
    host: bytes,
) -> None:
    for bound in ("0.0.0.0", "::", "192.168.1.5"):
        assert ServedHosts(bound, bound).allow(host)
    assert not loopback().allow(host)


def test_a_server_answers_to_what_it_listens_on() -> None:
    assert ServedHosts("192.168.1.5", "192.168.1.5").allow(b"192.168.1.5:8501")
    named = ServedHosts("Serving.Example.org", "192.168.1.5")
    assert named.allow(b"serving.example.org:8501")
    assert not named.allow(b"example.org")
    assert ServedHosts("0.0.0.0", "0.0.0.0").allow(socket.gethostname().encode())


def test_names_are_allowed() -> None:
    hosts = loopback(
        "api.Example.org.", "*.example.com", "203.0.113.9", "[2001:db8::7]", "书.example"
    )
    for host in (
        b"api.example.org",
        b"API.example.org.:443",
        b"a.example.com",
        b"a.b.example.com:1",
        b"203.0.113.9",
        b"[2001:db8:0::7]:80",
        b"xn--1jq.example",
    ):
        assert hosts.allow(host), host
    for host in (
        b"example.org",
        b"x.api.example.org",
        b"example.com",
        b"aexample.com",
        b"example.com.evil.example",
        b"203.0.113.90",
        b"xn--1jq.example.org",
    ):
        assert not hosts.allow(host), host


@pytest.mark.parametrize("host", [b"evil.example", b"", b"a b", "ｌ".encode()])
def test_a_star_allows_all(host: bytes) -> None:
    assert loopback("*").allow(host)


@pytest.mark.parametrize(
    "host",
    ["https://a", "a:80", "a/", "*.", "*.*.a", "a.*", ".a", "a..b", "", " ", "a b", "a@b", "[a]"],
)
def test_an_allowed_host_of_another_form_is_refused(host: str) -> None:
    with pytest.raises(InvalidInputError, match=r"an allowed host must be a name.* Received: "):
        AllowedHosts([host])


def test_what_is_remembered_is_bounded() -> None:
    hosts = loopback("*")
    for number in range(1000):
        assert hosts.allow(b"host-%d" % number)
    assert len(vars(hosts)["_known"]) < 1000
