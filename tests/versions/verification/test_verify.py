"""Against our own server, and against one that answers what it should not."""

import json
import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any, NamedTuple

import pytest

from lstm_sentiment import (
    FitResult,
    InvalidInputError,
    ModelServer,
    ServableNotFoundError,
    ServableUnavailableError,
    ServerOptions,
    verify_version,
)
from lstm_sentiment.client.access import AccessRefusedError, TLSConfig
from lstm_sentiment.client.rest_client import RestClient
from lstm_sentiment.light_twin.description import NETWORK
from lstm_sentiment.models_config.config import single_model_config
from lstm_sentiment.serving.access.authentication import BearerTokens
from lstm_sentiment.serving.access.tls import ServerCredentials
from lstm_sentiment.version_folder import LIGHT, ExampleAnswer
from lstm_sentiment.versions.verification import transports
from lstm_sentiment.versions.verification.answers import Answers, Expectation, answers_from, compare
from lstm_sentiment.versions.verification.rest_transport import REST_RULE, RestTransport
from tests.exported import MODEL_NAME, exported, read_card, write_card
from tests.serving.certificates import authority, other_authority, server_identity
from tests.serving.saved_models import save_version

pytestmark = pytest.mark.usefixtures("versions_loaded_once")


class Secured(NamedTuple):
    addresses: dict[str, Any]
    tls: TLSConfig
    stranger: TLSConfig


@pytest.fixture(scope="module")
def version_dir(fitted: FitResult) -> Path:
    return exported(fitted)


@pytest.fixture(scope="module")
def server(version_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ModelServer]:
    """Versions 3 and 4 with the labels stable and canary; 4 is another model."""
    base_path = tmp_path_factory.mktemp("served") / "model"
    base_path.mkdir()
    save_version(base_path, 4)
    (base_path / "3").symlink_to(version_dir)
    config = base_path.parent / "models.config"
    config.write_text(
        f"""
        model_config_list {{
          config {{
            name: "{MODEL_NAME}"
            base_path: "{base_path}"
            model_platform: "tensorflow"
            model_version_policy {{ specific {{ versions: 3 versions: 4 }} }}
            version_labels {{ key: "stable" value: 3 }}
            version_labels {{ key: "canary" value: 4 }}
          }}
        }}
        """,
        "utf-8",
    )
    with ModelServer(config, ServerOptions(file_system_poll_wait_seconds=0), port=0) as server:
        yield server


@pytest.fixture
def addresses(server: ModelServer) -> dict[str, Any]:
    return {
        "timeout_seconds": 60,  # a busy machine takes long to answer for the first time
        "server": f"localhost:{server.port}",
        "rest_api": f"localhost:{server.rest_api_port}",
    }


def with_card(version_dir: Path, folder: Path, card: object) -> Path:
    """The same version, with another card."""
    other = folder / MODEL_NAME / version_dir.name
    other.mkdir(parents=True)
    for name in ("saved_model.pb", "variables", "assets"):
        (other / name).symlink_to(version_dir / name)
    write_card(other, card)
    return other


def test_all_ways_answer_what_training_computed(
    version_dir: Path, addresses: dict[str, Any]
) -> None:
    result = verify_version(version_dir, **addresses)
    assert [way for way in result.ways if way.problem is not None] == []
    assert result.is_equal
    assert result.texts == 20
    assert result.largest_difference is not None
    assert 0 < result.largest_difference < 1e-5
    asked: dict[str, list[str]] = {}
    for way in result.ways:
        asked.setdefault(way.way, []).append(way.signature)
    assert set(asked) == {"light twin", "saved model", "grpc", "rest"}
    assert asked["light twin"] == asked["saved model"] == asked["grpc"] == asked["rest"]
    assert set(asked["rest"]) == {*transports.SIGNATURES} - {"ids"}
    assert json.loads(json.dumps(result.to_dict()))["ways"][0] == {
        "way": "light twin",
        "signature": "text",
        "largest_difference": result.ways[0].largest_difference,
        "problem": None,
    }


def test_a_twin_that_is_refused_is_a_problem_beside_the_other_ways(
    version_dir: Path, tmp_path: Path
) -> None:
    damaged = shutil.copytree(version_dir, tmp_path / "3")
    (damaged / LIGHT / NETWORK).write_bytes(b"damaged")
    result = verify_version(damaged)
    refused, *others = result.ways
    assert (refused.way, refused.signature) == ("light twin", "all")
    assert "could not be loaded" in (refused.problem or "")
    assert {(way.way, way.problem) for way in others} == {("saved model", None)}
    with pytest.raises(ServableUnavailableError, match="could not be loaded"):
        verify_version(damaged, engine="light")


def test_a_probability_that_is_off_is_told_of_every_way(
    version_dir: Path, addresses: dict[str, Any], tmp_path: Path
) -> None:
    card = json.loads(json.dumps(read_card(version_dir)))
    for row in (4, 5):
        probabilities = card["examples"][row]["probabilities"]
        card["examples"][row]["probabilities"] = [p + 1e-3 * (row - 3) for p in probabilities]
    wrong = with_card(version_dir, tmp_path, card)
    result = verify_version(wrong.parent, **addresses)
    assert not result.is_equal
    for way in result.ways:
        assert way.largest_difference == pytest.approx(2e-3, abs=1e-5)
        assert (way.problem or "").startswith("a probability of text 6 (")
        assert (way.problem or "").endswith("is off by 0.002, more than 1e-05")
    assert verify_version(wrong, tolerance=3e-3).is_equal


@pytest.mark.parametrize("choice", [{"label": "canary"}, {"version": 4}])
def test_another_version_than_the_one_on_disk_is_told(
    version_dir: Path, addresses: dict[str, Any], choice: dict[str, Any]
) -> None:
    result = verify_version(version_dir, **addresses, **choice)
    problems = {(way.way, way.signature): way.problem for way in result.ways}
    for signature in ("text", "tokens", "classify", "explain"):
        assert problems["saved model", signature] is None
        for way in ("grpc", "rest"):
            assert problems[way, signature] == "version 4 answered, and version 3 is on disk"
    assert "[0, 10)" in str(problems["grpc", "serving_default"])  # it has fewer words


def test_by_label_the_same_version_is_right(version_dir: Path, addresses: dict[str, Any]) -> None:
    assert verify_version(version_dir, **addresses, version_label="stable").is_equal


def test_a_folder_without_a_number_asks_for_what_is_said_or_the_latest(
    version_dir: Path, addresses: dict[str, Any], tmp_path: Path
) -> None:
    (tmp_path / "candidate").symlink_to(version_dir)
    asked = {**addresses, "model_name": MODEL_NAME}
    assert verify_version(tmp_path / "candidate", **asked, version=3).is_equal
    assert verify_version(tmp_path / "candidate", **asked, label="stable").is_equal
    latest = verify_version(tmp_path / "candidate", **asked)
    assert {way.way for way in latest.ways if way.problem} == {"grpc", "rest"}


def test_what_a_server_lacks_is_a_problem_of_each_signature(
    version_dir: Path, addresses: dict[str, Any]
) -> None:
    result = verify_version(version_dir, **addresses, version=5)
    problems = {way.problem for way in result.ways if way.way in ("grpc", "rest")}
    assert problems == {
        f"{address}: Servable not found for request: Specific({MODEL_NAME}, 5)"
        for address in (addresses["server"], addresses["rest_api"])
    }
    named = verify_version(version_dir, **addresses, model_name="other")
    assert all("other" in str(way.problem) for way in named.ways if way.way in ("grpc", "rest"))
    assert not named.is_equal


@pytest.mark.parametrize("transport", ["server", "rest_api"])
def test_a_server_that_is_not_there_is_an_error(version_dir: Path, transport: str) -> None:
    address: dict[str, Any] = {transport: "localhost:1"}
    with pytest.raises(ServableUnavailableError, match=r"^localhost:1: .*refused"):
        verify_version(version_dir, **address)


@pytest.fixture(scope="module")
def secured(version_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Secured]:
    """A server with TLS that asks for a token."""
    folder = tmp_path_factory.mktemp("secured")
    for name, trusted in (("ca", authority()), ("stranger", other_authority())):
        (folder / f"{name}.pem").write_bytes(trusted.certificate)
    with ModelServer(
        single_model_config(MODEL_NAME, version_dir.parent),
        ServerOptions(
            credentials=ServerCredentials.from_files(*server_identity().write(folder, "server")),
            auth_tokens=BearerTokens(["secret"]),
        ),
        port=0,
    ) as server:
        yield Secured(
            {
                "server": f"127.0.0.1:{server.port}",
                "rest_api": f"127.0.0.1:{server.rest_api_port}",
            },
            TLSConfig(folder / "ca.pem"),
            TLSConfig(folder / "stranger.pem"),
        )


def test_a_server_with_tls_is_asked_with_a_token(version_dir: Path, secured: Secured) -> None:
    result = verify_version(
        version_dir, **secured.addresses, tls=secured.tls, token="secret", timeout_seconds=60
    )
    assert result.is_equal
    assert {way.way for way in result.ways} == {"light twin", "saved model", "grpc", "rest"}


@pytest.mark.parametrize("transport", ["server", "rest_api"])
def test_a_server_that_lets_nobody_in_is_an_error(
    version_dir: Path, secured: Secured, transport: str
) -> None:
    address = secured.addresses[transport]

    def ask(tls: TLSConfig | bool, token: str | None) -> None:
        verify_version(
            version_dir, **{transport: address}, tls=tls, token=token, timeout_seconds=60
        )

    for token in (None, "another"):
        with pytest.raises(AccessRefusedError, match=rf"^{address}: .*token"):
            ask(secured.tls, token)
    for tls in (False, secured.stranger):
        with pytest.raises(ServableUnavailableError, match=f"^{address}: "):
            ask(tls, None)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda card: card.pop("examples"), r"must hold examples in its assets.extra"),
        (lambda card: card["examples"].clear(), r"must hold examples in its assets.extra"),
        (lambda card: card["examples"][0].pop("tokens"), r"Received: KeyError: 'tokens'"),
        (lambda card: card["examples"][0].update(token_ids=["a"]), r"each example of its card"),
        (lambda card: card["labels"].pop(), r"a probability for each label"),
        (lambda card: card.pop("labels"), r"a probability for each label"),
        (lambda card: card.update(temperature=0), r"temperature of its card must be positive"),
    ],
)
def test_a_card_that_cannot_be_verified_is_refused(
    version_dir: Path, tmp_path: Path, change: Callable[[Any], object], message: str
) -> None:
    card = json.loads(json.dumps(read_card(version_dir)))
    change(card)
    (tmp_path / "saved_model.pb").touch()
    write_card(tmp_path, card)
    with pytest.raises(InvalidInputError, match=message):
        verify_version(tmp_path)


def test_a_folder_without_a_card_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ServableNotFoundError):
        verify_version(tmp_path)
    (tmp_path / "saved_model.pb").touch()
    with pytest.raises(InvalidInputError, match="must hold examples"):
        verify_version(tmp_path)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"server": "localhost"}, "the server must be HOST:PORT: gRPC is usually on"),
        ({"rest_api": "grpc://localhost:8501"}, "the server must be HOST:PORT, or a URL"),
        ({"version": 3}, "need `server` or `rest_api`"),
        (
            {"server": "a:1", "version": 3, "label": "x"},
            "at most one of `version` and `version_label`",
        ),
        ({"server": "a:1", "version_label": "x", "label": "x"}, "`label` is the older name of"),
        ({"server": "a:1", "version": -1}, "`version` must be at least 0"),
        ({"tolerance": -1}, "`tolerance` must be at least 0"),
        ({"tolerance": float("nan")}, "`tolerance` must be at least 0"),
        ({"timeout_seconds": 0}, "`timeout_seconds` must be a positive number"),
        ({"tls": True}, "`tls` and `token` need `server` or `rest_api`"),
        ({"token": "secret"}, "`tls` and `token` need `server` or `rest_api`"),
    ],
)
def test_arguments_that_break_a_rule(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidInputError) as raised:
        verify_version("nowhere", **arguments)
    assert message in str(raised.value)


EXAMPLES = (
    ExampleAnswer("一。", ("一", "[UNK]"), (2, 1), "good", (0.1, 0.9)),
    ExampleAnswer("二三", ("二", "三", "四"), (3, 4), "bad", (0.5, 0.5)),
)
EXPECTED = Expectation(EXAMPLES, ("bad", "good"), temperature=1.0, tolerance=1e-5, version=3)
RIGHT = Answers(
    [(0.1, 0.9), (0.5, 0.5)],
    labels=["good", "bad"],
    classifications=[1, 0],
    tokens=[["一", "[UNK]"], ["二", "三"]],
    version=3,
)


def test_right_answers_have_no_problem() -> None:
    assert compare(RIGHT, EXPECTED) == (0.0, None)
    bare = Answers([(0.1, 0.9), (0.5, 0.5)])
    assert compare(bare, EXPECTED) == (0.0, None)
    # Both labels are as probable: which of them is first is chance.
    tie = replace(RIGHT, labels=["good", "good"], classifications=[1, 1])
    assert compare(tie, EXPECTED) == (0.0, None)


@pytest.mark.parametrize(
    ("change", "largest", "problem"),
    [
        (
            {"probabilities": [(0.1, 0.9), (0.4, 0.5)]},
            pytest.approx(0.1),
            "a probability of text 2 (二三) is off by 0.1, more than 1e-05",
        ),
        (
            {"probabilities": [(0.1, 0.9), (float("nan"), 0.5)]},
            None,
            "a probability of text 2 (二三) is off by nan, more than 1e-05",
        ),
        (
            {"probabilities": [(0.1, 0.9)]},
            None,
            "must answer probabilities of shape (2, 2). Received: shape (1, 2).",
        ),
        (
            {"probabilities": [(0.1, 0.9), (0.5,)]},
            None,
            "must answer probabilities of shape (2, 2). Received: shape (0,).",
        ),
        ({"version": 4}, 0.0, "version 4 answered, and version 3 is on disk"),
        (
            {"version": 4, "probabilities": [(1.0,)]},
            None,
            "version 4 answered, and version 3 is on disk",
        ),
        (
            {"labels": ["bad", "bad"]},
            0.0,
            "the label of text 1 (一。) is 'bad', and 'good' in the card",
        ),
        (
            {"classifications": [7, 0]},
            0.0,
            "the classification of text 1 (一。) is '7', and 'good' in the card",
        ),
        (
            {"tokens": [["一", "[UNK]"], ["二", "三", "四"]]},
            0.0,
            "the tokens of text 2 (二三) are '二 三 四', and '二 三' in the card",
        ),
    ],
)
def test_what_differs_is_told(change: dict[str, Any], largest: float | None, problem: str) -> None:
    assert compare(replace(RIGHT, **change), EXPECTED) == (largest, problem)


def test_outputs_are_read_by_signature() -> None:
    classes = {"classes": [["bad", "good"]] * 2, "scores": [[0.1, 0.9], [0.5, 0.5]]}
    explained = {
        "label": ["good", "bad"],
        "probabilities": [[0.1, 0.9], [0.5, 0.5]],
        "tokens": [["一", "[UNK]", ""], ["二", "三", ""]],
        "attributions": [[1.0, 2.0, 0.0]] * 2,
    }
    ids = {"predict_classification": [1, 0], "predict_scores": [[0.0, 4.394449], [5.0, 5.0]]}
    for signature, outputs in (("classify", classes), ("explain", explained)):
        assert compare(answers_from(signature, outputs, 1.0), EXPECTED) == (0.0, None)
    difference, problem = compare(answers_from("serving_default", ids, 2.0), EXPECTED)
    assert difference == pytest.approx(0, abs=1e-6)
    assert problem is None
    turned = {**classes, "classes": [["good", "bad"]] * 2}
    assert "label of text 1" in str(compare(answers_from("classify", turned, 1.0), EXPECTED)[1])
    with pytest.raises(InvalidInputError, match=r"must answer 'classification'. Received: label"):
        answers_from("text", explained, 1.0)


@pytest.fixture(scope="module")
def canned() -> Iterator[ThreadingHTTPServer]:
    """A REST server that answers what `canned.answer` says, status and body."""

    class Canned(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            sent = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            self.server.asked = self.path, sent  # type: ignore[attr-defined]
            status, body = self.server.answer  # type: ignore[attr-defined]
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *args: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Canned) as http:
        thread = Thread(target=http.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield http
        http.shutdown()
        thread.join()


@pytest.mark.parametrize(
    ("signature", "path", "body"),
    [
        ("text", "predict", {"instances": ["一。", "二三"]}),
        ("tokens", "predict", {"instances": ["一 [UNK]", "二 三 四"]}),
        ("serving_default", "predict", {"instances": [[2, 1], [3, 4]]}),
        ("explain", "predict", {"instances": ["一。"]}),  # one by one
        ("classify", "classify", {"examples": [{"text": "一。"}, {"text": "二三"}]}),
    ],
)
def test_rest_is_asked_as_tensorflow_serving_is(
    canned: ThreadingHTTPServer, signature: str, path: str, body: dict[str, Any]
) -> None:
    canned.answer = (400, b"{}")  # type: ignore[attr-defined]
    for choice, asked in (
        ({"version": 3, "version_label": None}, "/versions/3"),
        ({"version": None, "version_label": "a/b"}, "/labels/a%2Fb"),
        ({"version": None, "version_label": None}, ""),
    ):
        address = f"localhost:{canned.server_port}"
        way = RestTransport(RestClient(address, REST_RULE), "it's 1", **choice)
        with pytest.raises(InvalidInputError):
            way.ask(signature, EXPECTED)
        assert canned.asked == (  # type: ignore[attr-defined]
            f"/v1/models/it%27s%201{asked}:{path}",
            {"signature_name": signature, **body},
        )


@pytest.mark.parametrize(
    ("signature", "status", "body", "message"),
    [
        ("text", 200, "<html>", "must answer as TensorFlow Serving's REST API does"),
        ("text", 200, "[]", "must answer as TensorFlow Serving's REST API does. Received: []."),
        ("text", 200, '{"outputs": []}', "REST API does. Received: {"),
        ("text", 200, '{"predictions": [1, 2]}', "REST API does. Received: {"),
        ("text", 200, '{"predictions": [{"label": "a"}]}', "Received: 1 answers to 2 texts"),
        ("text", 200, '{"predictions": [{"label": "a"}, {"label": 1}]}', "must answer 'prob"),
        ("classify", 200, '{"results": [[], []]}', "must be those of the signature 'classify'"),
        ("classify", 200, '{"results": [["a"], 1]}', "REST API does. Received: {"),
        ("text", 400, '{"error": "no such signature"}', ": no such signature"),
        ("text", 502, "<html>bad gateway", ": status 502"),
    ],
)
def test_a_rest_server_of_another_kind_is_told(
    canned: ThreadingHTTPServer, signature: str, status: int, body: str, message: str
) -> None:
    canned.answer = (status, body.encode())  # type: ignore[attr-defined]
    address = f"localhost:{canned.server_port}"
    way = RestTransport(RestClient(address, REST_RULE), "m", version=3, version_label=None)
    with pytest.raises(InvalidInputError) as raised:
        way.ask(signature, EXPECTED)
    assert message in str(raised.value)
