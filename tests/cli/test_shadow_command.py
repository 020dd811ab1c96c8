"""A shadow version on the command line: the flags of `serve`, and `models shadow`."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from lstm_sentiment.errors import InvalidInputError
from lstm_sentiment.rollout.shadow_agreement import read_shadow_agreement
from lstm_sentiment.serving.shadow.options import ShadowOptions
from tests.cli import test_commands
from tests.cli.running import Run, is_one_error_line

asked = test_commands.asked

PAIR = {
    "version": 1,
    "shadow_version": 2,
    "sampled": 910,
    "compared": 900,
    "agreed": 870,
    "agreement": 870 / 900,
    "failed": 8,
    "dropped": 2,
    "largest_difference": 0.31,
}
SHADOW = {
    "model": "sentiment",
    "of": {"label": "stable"},
    "to": {"label": "candidate"},
    "share": 0.1,
    "pairs": [PAIR],
    "recent_disagreements": [
        {
            "seconds_ago": 3.1,
            "version": 1,
            "shadow_version": 2,
            "label": "1",
            "shadow_label": "0",
            "difference": 0.31,
            "text": "房间\x1b[2J\n很小",
        }
    ],
}


class StatePage:
    """A server's REST, of which there is only `/state`."""

    def __init__(self) -> None:
        self.body: Any = {"shadow": [SHADOW]}
        self.status = 200
        self.asked: list[tuple[str, str | None]] = []
        page = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                page.asked.append((self.path, self.headers.get("authorization")))
                body = page.body if isinstance(page.body, bytes) else json.dumps(page.body).encode()
                self.send_response(page.status)
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *args: object) -> None:
                pass

        self._server = HTTPServer(("127.0.0.1", 0), Handler)
        self.address = f"127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, args=(0.01,)).start()

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def page() -> Iterator[StatePage]:
    page = StatePage()
    yield page
    page.stop()


def pair(**changes: Any) -> dict[str, Any]:
    return {"shadow": [{**SHADOW, "pairs": [{**PAIR, **changes}]}]}


def test_agreement_is_told_with_how_far_it_can_be_trusted(run: Run, page: StatePage) -> None:
    outcome = run("models", "shadow", "--rest-api", page.address)
    assert outcome.code == 0, outcome.err
    assert "label candidate gets 10% of the requests of label stable" in outcome.out
    row = next(line.split() for line in outcome.out.splitlines() if line.split()[:1] == ["1"])
    assert row == ["1", "2", "910", "900", "96.7%", "8", "2", "0.310"]
    assert (
        "Version 1 and version 2 gave 870 of 900 texts the same label: 96.7%, and of all "
        "texts like these probably between 95.3% and 97.7%. To find out which of the two is right "
        "about the others, run `models compare` on labelled texts.\n"
    ) in outcome.out
    # What a stranger sent moves no cursor.
    assert r"房间\x1b[2J 很小" in outcome.out and "\x1b" not in outcome.out
    assert page.asked == [("/state", None)]


def test_json_holds_the_same(run: Run, page: StatePage) -> None:
    outcome = run("models", "shadow", "--rest-api", f"http://{page.address}/", "--json")
    found = json.loads(outcome.out)
    (told,) = found["pairs"]
    assert (told["compared"], told["agreed"], told["failed"], told["dropped"]) == (900, 870, 8, 2)
    assert told["agreement"]["value"] == pytest.approx(870 / 900)
    assert told["agreement"]["low"] == pytest.approx(0.9528, abs=1e-4)
    assert told["agreement"]["high"] == pytest.approx(0.9765, abs=1e-4)
    assert told["verdict"].startswith("Version 1 and version 2 gave 870 of 900")
    assert (found["model_name"], found["of"], found["to"]) == (
        "sentiment",
        "label stable",
        "label candidate",
    )
    assert found["recent_disagreements"][0]["label"] == "1"


@pytest.mark.parametrize(
    ("changes", "verdict"),
    [
        (
            {"compared": 14, "agreed": 12},
            "Too few texts were compared to tell much: version 1 and version 2 gave 12 of 14 texts "
            "the same label, so the true share may be anything from 60.1% to 96.0%.",
        ),
        (
            {"agreed": 900},
            "Version 1 and version 2 gave 900 of 900 texts the same label: 100.0%, and of all "
            "texts like these probably between 99.6% and 100.0%.",
        ),
        (
            {"compared": 0, "agreed": 0, "sampled": 9, "failed": 7, "agreement": None},
            "Nothing that version 1 answered was compared with version 2 yet: of 9 texts drawn, "
            "7 failed and 2 were dropped.",
        ),
        (
            {"compared": 0, "agreed": 0, "shadow_version": None, "agreement": None},
            "Nothing that version 1 answered was compared with the shadow yet",
        ),
    ],
)
def test_what_the_numbers_cannot_tell_is_said(
    page: StatePage, changes: dict[str, Any], verdict: str
) -> None:
    page.body = pair(**changes)
    (found,) = read_shadow_agreement(page.address).pairs
    assert found.verdict().startswith(verdict)
    assert "models compare" not in found.verdict()


def test_the_paths_of_tls_are_still_taken_by_their_older_names(page: StatePage) -> None:
    with pytest.warns(DeprecationWarning, match="ssl_ca"):
        assert read_shadow_agreement(page.address, ssl_ca=None).pairs
    with (
        pytest.warns(DeprecationWarning),
        pytest.raises(InvalidInputError, match=r"nowhere\.pem"),
    ):
        read_shadow_agreement(page.address, ssl_ca="nowhere.pem")
    with (
        pytest.warns(DeprecationWarning),
        pytest.raises(InvalidInputError, match="as `tls` alone"),
    ):
        read_shadow_agreement(page.address, tls=True, ssl_ca="nowhere.pem")
    with pytest.raises(TypeError, match="no_such"):
        read_shadow_agreement(page.address, no_such="nowhere.pem")


def test_before_the_first_request_nothing_is_told(run: Run, page: StatePage) -> None:
    page.body = {"shadow": [{**SHADOW, "pairs": [], "recent_disagreements": []}]}
    outcome = run("models", "shadow", "--rest-api", page.address)
    assert outcome.code == 0
    assert "No request has been compared yet." in outcome.out


def test_where_probabilities_cannot_be_compared_there_is_a_dash(run: Run, page: StatePage) -> None:
    page.body = pair(largest_difference=None, compared=0, agreed=0)
    outcome = run("models", "shadow", "--rest-api", page.address, "--show", 0)
    assert outcome.code == 0 and "房间" not in outcome.out


@pytest.mark.parametrize(
    ("status", "body", "message"),
    [
        (200, {"shadow": []}, "must be a server that has a shadow"),
        (200, {"models": []}, "must be the state page of this package's model server"),
        (200, {"shadow": [{"model": "m"}]}, "must be the state page"),
        (200, b"<html>", "must be the state page"),
        (404, b"Not found", "must be the state page"),
        (401, {"error": "a valid bearer token is required."}, "requires a bearer token"),
    ],
)
def test_a_server_without_a_shadow_is_one_line(
    run: Run, page: StatePage, status: int, body: Any, message: str
) -> None:
    page.status, page.body = status, body
    outcome = run("models", "shadow", "--rest-api", page.address)
    assert is_one_error_line(outcome) and message in outcome.err


def test_a_server_that_is_not_there_is_one_line(run: Run) -> None:
    outcome = run("models", "shadow", "--rest-api", "127.0.0.1:1")
    assert is_one_error_line(outcome) and "cannot be reached" in outcome.err


def test_a_token_is_shown(run: Run, page: StatePage, tmp_path: Path) -> None:
    (tmp_path / "token.txt").write_text("secret\n")
    outcome = run(
        "models", "shadow", "--rest-api", page.address, "--auth-token-file", "token.txt", "--json"
    )
    assert outcome.code == 0, outcome.err
    assert page.asked == [("/state", "Bearer secret")]


@pytest.mark.parametrize("confidence", [0, 1, 1.5])
def test_a_confidence_out_of_range_is_refused(run: Run, confidence: float) -> None:
    outcome = run("models", "shadow", "--confidence", confidence)
    assert is_one_error_line(outcome) and "confidence" in outcome.err


@pytest.mark.parametrize(
    ("flags", "options"),
    [
        (("--shadow-to", "candidate"), ShadowOptions(to="candidate")),
        (
            ("--shadow_to", 4, "--shadow_of", "stable", "--shadow_share", 0.5),
            ShadowOptions(to=4, of="stable", share=0.5),
        ),
        (
            ("--shadow-to", "v4", "--shadow-of", 3, "--shadow-model-name", "m"),
            ShadowOptions(to="v4", of=3, model_name="m"),
        ),
        ((), None),
    ],
)
def test_serve_takes_a_shadow(
    run: Run,
    tmp_path: Path,
    asked: list[dict[str, Any]],
    flags: tuple[object, ...],
    options: ShadowOptions | None,
) -> None:
    outcome = run("serve", "--model-base-path", tmp_path, *flags)
    assert outcome.err == "error: That is enough.\n"
    assert asked[0]["shadow"] == options


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (("--shadow-of", "stable"), "need `--shadow-to`"),
        (("--shadow-model-name", "m"), "need `--shadow-to`"),
        (("--shadow-to", "9" * 19), "from 0 to 9223372036854775807. Received: 9999999999999999999"),
        (("--shadow-to", "-3"), "from 0 to 9223372036854775807. Received: -3"),
        (("--shadow-to", 2, "--shadow-of", "9" * 5000), "must be an integer from 0 to"),
        (("--shadow-to", 2, "--shadow-of", 2), "must be two versions"),
        (("--shadow-to", 2, "--shadow-share", 0), "`share` must be above 0"),
        (("--shadow-to", 2, "--shadow-share", 2), "--shadow-share"),
    ],
)
def test_serve_refuses_half_a_shadow(
    run: Run, tmp_path: Path, flags: tuple[object, ...], message: str
) -> None:
    outcome = run("serve", "--model-base-path", tmp_path, *flags)
    assert is_one_error_line(outcome) and message in outcome.err
