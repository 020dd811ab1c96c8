"""`verify`: what it prints and where, and its exit code."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from lstm_sentiment import ModelServer, ServerOptions
from lstm_sentiment.models_config.config import single_model_config
from lstm_sentiment.serving.access.authentication import BearerTokens
from lstm_sentiment.serving.access.tls import ServerCredentials
from lstm_sentiment.versions.verification.verify import TransportResult, Verification
from tests.cli.running import Run, is_one_error_line
from tests.exported import tiny_version
from tests.request_logs import logged, write_log
from tests.serving.certificates import authority, server_identity

WHOLE_EXPORTS = True


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """What `verify` asked the library for, which answers at once that REST differs."""
    calls: list[dict[str, Any]] = []

    def answer(model: Path, **options: Any) -> Verification:
        calls.append({"model": model, **options})
        results = (
            TransportResult("saved model", "text", 1.25e-7, None),
            TransportResult("rest", "serving_default", None, "h:1: [bold] status 502 " + "x" * 100),
        )
        return Verification(Path("m/3"), 20, 1e-5, results)

    monkeypatch.setattr("lstm_sentiment.versions.verification.verify.verify_version", answer)
    return calls


@pytest.fixture(scope="module")
def base_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model whose scores are no logits of its probabilities, so that ids differ."""
    base_path = tmp_path_factory.mktemp("models") / "tiny"
    base_path.mkdir()
    tiny_version(base_path)
    return base_path


def test_what_it_asks_is_what_it_is_told_to(run: Run, base_path: Path) -> None:
    with ModelServer(single_model_config("tiny", base_path), port=0) as server:
        addresses = ("--server", f"localhost:{server.port}")
        outcome = run("verify", "--model", base_path, *addresses, "--json", "--quiet")
        lenient = run("verify", "--model", base_path, *addresses, "--tolerance", 100)
    assert outcome.code == 1, outcome.err
    result = json.loads(outcome.out)
    assert set(result) == {
        "version_dir",
        "texts",
        "largest_difference",
        "tolerance",
        "equal",
        "ways",
    }
    assert result["version_dir"] == str(base_path / "1")
    assert result["equal"] is False
    differing = [(w["way"], w["signature"]) for w in result["ways"] if w["problem"]]
    assert {signature for _, signature in differing} >= {"serving_default"}
    assert ("saved model", "text") not in differing and ("grpc", "tokens") not in differing
    assert {way["way"] for way in result["ways"]} == {"saved model", "grpc"}
    assert len(outcome.err.splitlines()) == len(differing)
    assert "serving_default" not in lenient.err


def test_a_server_with_tls_and_token_is_asked_and_an_error_where_it_cannot_be(
    run: Run, base_path: Path, tmp_path: Path
) -> None:
    identity = server_identity().write(tmp_path, "server")
    for name, content in (
        ("ca.pem", authority().certificate),
        ("token", "\ufeff# of ann\nsecret ask, status\n".encode()),
        ("wrong", b"another"),
    ):
        (tmp_path / name).write_bytes(content)
    with ModelServer(
        single_model_config("tiny", base_path),
        ServerOptions(
            credentials=ServerCredentials.from_files(*identity),
            auth_tokens=BearerTokens(["secret"]),
        ),
        port=0,
    ) as server:
        grpc = ("--server", f"127.0.0.1:{server.port}")
        rest = ("--rest-api", f"127.0.0.1:{server.rest_api_port}")
        verify = ("verify", "--model", base_path, "--json", "--quiet", "--ssl-ca", "ca.pem")
        good = run(*verify, *grpc, *rest, "--auth-token-file", "token")
        refused = [
            run(*verify, *address, *token)
            for address in (grpc, rest)
            for token in ((), ("--auth-token-file", "wrong"))
        ]
        in_the_clear = [run("verify", "--model", base_path, *address) for address in (grpc, rest)]
    ways = json.loads(good.out)["ways"]
    assert {way["way"] for way in ways if way["largest_difference"] is not None} == {
        "saved model",
        "grpc",
        "rest",
    }
    for outcome in refused:
        assert is_one_error_line(outcome), outcome
        assert "token" in outcome.err
    assert all(map(is_one_error_line, in_the_clear)), in_the_clear


def test_what_differs_is_a_line_each_and_exits_with_1(
    run: Run, calls: list[dict[str, Any]], tmp_path: Path
) -> None:
    (tmp_path / "saved_model.pb").touch()
    flags = (
        "--rest-api",
        "h:1",
        "--model-name",
        "n",
        "--version-label",
        "stable",
        "--tolerance",
        "1e-4",
    )
    outcome = run("verify", "--model", tmp_path, *flags, "--timeout-seconds", 3)
    assert outcome.code == 1
    del calls[0]["progress"]
    assert calls == [
        {
            "model": tmp_path,
            "server": None,
            "rest_api": "h:1",
            "engine": "auto",
            "model_name": "n",
            "version": None,
            "version_label": "stable",
            "tolerance": 1e-4,
            "timeout_seconds": 3.0,
            "tls": False,
            "token": None,
        }
    ]
    assert outcome.out == (
        "answered by    signature         largest difference\n"
        "saved model    text              1.2e-07\n"
        "rest           serving_default   none                differs\n"
        "\n"
        "version        m/3\n"
        "texts          20\n"
        "tolerance      1e-05\n"
        "largest of all 1.2e-07\n"
        "equal          no\n"
    )
    assert outcome.err == f"rest, serving_default: h:1: [bold] status 502 {'x' * 100}\n"
    as_json = run("verify", "--model", tmp_path, "--json")
    assert as_json.code == 1
    assert json.loads(as_json.out)["ways"][1]["largest_difference"] is None
    assert as_json.err == outcome.err


def test_what_is_equal_exits_with_0(
    run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "saved_model.pb").touch()
    equal = Verification(Path("m/3"), 20, 1e-5, (TransportResult("grpc", "text", 0.0, None),))
    monkeypatch.setattr(
        "lstm_sentiment.versions.verification.verify.verify_version", lambda *_, **__: equal
    )
    outcome = run("verify", "--model", tmp_path)
    assert (outcome.code, outcome.err) == (0, "")
    assert outcome.out.splitlines()[-2:] == ["largest of all 0", "equal          yes"]


def test_a_request_log_is_replayed(run: Run, base_path: Path, tmp_path: Path) -> None:
    same = logged(["房间", "好"], [(1, 2), (1, 1)], labels=("v1:好", "v1:房间"), version=1)
    other = logged(["早餐\n差"], [(1, 1.5)], labels=("x", "v0:早餐差"), version=1)
    write_log(tmp_path / "log-1", [same, logged(["空"], None)])
    outcome = run("verify", "--model", base_path, "--requests", "log-1")
    assert outcome.code == 0, outcome.err
    assert (
        "Texts that the log holds without label and probabilities were skipped: 1." in outcome.err
    )
    assert outcome.out.splitlines() == [
        "asked          saved model, 1",
        "requests       2 with 2 answers",
        "labels changed 0, 0.00%, 95% interval 0.00% to 65.76%",
        "off            0 by more than 1e-05",
        "largest        0",
        "refused        0",
        "equal          yes",
    ]
    write_log(tmp_path / "log-2", [other])
    with ModelServer(single_model_config("sentiment", base_path), port=0) as server:
        address = ("--rest-api", f"localhost:{server.rest_api_port}")
        both = run("verify", *address, "--requests", "log-1", "--requests", "log-2", "--quiet")
        as_json = run("verify", *address, "--requests", "log", "--json")
    assert both.code == as_json.code == 1
    assert both.out.splitlines()[-2:] == [
        "equal          no",
        "  v0:早餐差 -> v1:早餐 差, off by 2.5: 早餐 差",
    ]
    told = json.loads(as_json.out)
    assert (told["way"], told["texts"], told["labels_changed"], told["equal"]) == (
        "rest",
        3,
        1,
        False,
    )
    assert told["examples"][0]["text"] == "早餐\n差"


def test_a_version_of_an_earlier_release_is_told_in_one_line(run: Run, tmp_path: Path) -> None:
    (tmp_path / "saved_model.pb").touch()
    (tmp_path / "assets.extra").mkdir()
    (tmp_path / "assets.extra" / "sentiment.json").write_text('{"labels": ["a", "b"]}')
    outcome = run("verify", "--model", tmp_path)
    assert is_one_error_line(outcome), outcome
    assert "must hold examples in its assets.extra/sentiment.json" in outcome.err


@pytest.mark.parametrize(
    ("args", "message"),
    [
        ((), "models/sentiment: must be a version's folder"),
        (("--server", "localhost"), "the server must be HOST:PORT: gRPC is usually on port 8500"),
        (("--server", "localhost:99999"), "a port must be from 1 to 65535"),
        (("--rest-api", "::1:8501"), "with an IPv6 address in brackets"),
        (("--version", "3"), "need `server` or `rest_api`"),
        (("--tolerance", "small"), "--tolerance"),
        (("--tolerance", "-1"), "`tolerance` must be at least 0"),
        (("--requests", "logs/none"), "must be a file of a request log"),
        (("--ssl-ca", "ca.pem"), "need `--server` or `--rest-api`. Received: no"),
    ],
)
def test_bad_input_is_told_in_one_line_before_tensorflow_is_imported(
    is_refused_at_once: Callable[..., None], args: tuple[str, ...], message: str
) -> None:
    is_refused_at_once(message, "verify", *args)
