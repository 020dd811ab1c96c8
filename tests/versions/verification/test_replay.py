"""Logs of a real server, replayed to the same version, to another one and over each transport."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lstm_sentiment import (
    FitResult,
    InvalidInputError,
    ModelServer,
    PredictClient,
    SavedModelPredictor,
    ServableNotFoundError,
    ServableUnavailableError,
    verify_requests,
)
from lstm_sentiment.models_config.config import parse_models_config
from lstm_sentiment.protocol.model_server_config_pb2 import ModelServerConfig
from lstm_sentiment.version_folder import TEXT, ExampleAnswer
from lstm_sentiment.versions.verification.answers import Answers
from lstm_sentiment.versions.verification.replayed_answers import LoggedAnswer, ReplayTally
from tests.exported import add_version
from tests.request_logs import logged, logged_examples, logged_ids, write_log
from tests.serving.saved_models import save_version

pytestmark = pytest.mark.usefixtures("versions_loaded_once")

PATIENT: dict[str, Any] = {"timeout_seconds": 60}  # a busy machine takes long to answer at first
TEXTS = ("房间很干净", "早餐太差了", "服务一般", "")


@pytest.fixture(scope="module")
def base_path(fitted: FitResult, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Versions 3 and 5 are the same; 4 is another model, with other labels and classes."""
    base_path = tmp_path_factory.mktemp("replayed") / "sentiment"
    base_path.mkdir()
    add_version(base_path, 3, fitted)
    add_version(base_path, 5, fitted)
    save_version(base_path, 4)
    return base_path


def models_config(base_path: Path, logging: str = "") -> ModelServerConfig:
    return parse_models_config(
        f"""
        model_config_list {{
          config {{
            name: "sentiment" base_path: "{base_path}" model_platform: "tensorflow"
            model_version_policy {{ all {{}} }} {logging}
          }}
        }}
        """
    )


@pytest.fixture(scope="module")
def log(base_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What version 3 of a server was asked through each signature."""
    prefix = tmp_path_factory.mktemp("logs") / "sentiment"
    logging = f"""
        logging_config {{
          log_collector_config {{ type: "file" filename_prefix: "{prefix}" }}
          sampling_config {{ sampling_rate: 1.0 }}
        }}
    """
    with (
        ModelServer(models_config(base_path, logging), port=0) as server,
        PredictClient(f"localhost:{server.port}", "sentiment", version=3, **PATIENT) as client,
    ):
        client.predict(TEXTS)
        client.predict(["房间 很 干净", "早餐 太差"], signature="tokens")
        client.predict_ids([[2, 3, 4], [5]])
        client.classify(TEXTS)
        client.explain(TEXTS[:2])
    return prefix


@pytest.fixture(scope="module")
def server(base_path: Path) -> Iterator[ModelServer]:
    with ModelServer(models_config(base_path), port=0) as server:
        yield server


@pytest.fixture(params=["server", "rest_api", "here"])
def asked(request: pytest.FixtureRequest, server: ModelServer, base_path: Path) -> dict[str, Any]:
    if request.param == "here":
        return {"model_dir": base_path / "3"}
    port = server.port if request.param == "server" else server.rest_api_port
    return {request.param: f"localhost:{port}", "version": 3, **PATIENT}


def test_the_version_that_was_logged_answers_the_same(log: Path, asked: dict[str, Any]) -> None:
    result = verify_requests(log, **asked)
    assert result.is_equal
    assert (result.requests, result.texts, result.version) == (5, 14, 3)
    assert (result.labels_changed, result.probabilities_changed, result.refused) == (0, 0, 0)
    assert result.share_changed.value == 0 < result.share_changed.high
    assert result.largest_difference is not None and result.largest_difference <= 1e-5
    assert (result.examples, result.notes) == ((), ())


def test_the_same_model_under_another_number_is_not_asked_for_its_ids(
    log: Path, base_path: Path
) -> None:
    result = verify_requests(log, model_dir=base_path)
    assert (result.is_equal, result.texts, result.version) == (True, 12, 5)
    assert result.notes == (
        "Token ids, which mean other tokens in another version, were skipped: 2 texts.",
    )


def test_another_model_changes_every_answer(
    log: Path, server: ModelServer, base_path: Path
) -> None:
    address = f"localhost:{server.port}"
    result = verify_requests(log, server=address, version=4, **PATIENT)
    assert not result.is_equal
    assert (result.texts, result.labels_changed, result.probabilities_changed) == (12, 12, 12)
    # Of other classes, probabilities cannot be compared.
    assert result.largest_difference is None
    assert result.share_changed.value == 1 > result.share_changed.low
    assert len(result.examples) == 10
    assert {(one.logged_version, one.difference) for one in result.examples} == {(3, None)}
    assert all(one.label.startswith(("v4:", "length")) for one in result.examples)
    assert result.to_dict()["equal"] is False
    assert result.notes[-1] == "No label of the log is given now: the log may be of another model."


def answered_by(base_path: Path, texts: tuple[str, ...] = TEXTS) -> tuple[list[str], np.ndarray]:
    answers = SavedModelPredictor(base_path / "3").predict(texts)
    return [one.label for one in answers], np.array([one.probabilities for one in answers])


def test_changed_answers_are_counted_and_the_largest_shown_first(
    base_path: Path, tmp_path: Path, fitted: FitResult
) -> None:
    labels, right = answered_by(base_path)
    names = fitted.label_names
    moved = np.array([[0, 0, 0], [0.01, -0.01, 0], [0.2, -0.2, 0], [0, 0, 0]])
    turned = np.roll(right, 1, axis=1)
    for row in (0, 1, 2):
        turned[row] = right[row]
    logs = [logged(TEXTS, right + moved, labels=names), logged(TEXTS, turned, labels=names)]
    # The texts' labels stay what they were, whatever the moved numbers say.
    for log in logs:
        log.predict_log.response.outputs["label"].string_val[:] = [x.encode() for x in labels]
    other = next(name for name in names if name != labels[3])
    logs[1].predict_log.response.outputs["label"].string_val[3] = other.encode()
    file = write_log(tmp_path / "log", logs)
    result = verify_requests(file, model_dir=base_path / "3")
    assert (result.texts, result.labels_changed, result.probabilities_changed) == (8, 1, 3)
    assert result.examples[0].text == TEXTS[3]
    assert (result.examples[0].logged_label, result.examples[0].label) == (other, labels[3])
    assert [one.text for one in result.examples[1:]] == [TEXTS[2], TEXTS[1]]
    assert result.examples[1].difference == pytest.approx(0.2, abs=1e-6)
    lenient = verify_requests(file, model_dir=base_path / "3", tolerance=1)
    assert (lenient.labels_changed, lenient.probabilities_changed) == (1, 0)
    assert not lenient.is_equal


def test_what_cannot_be_compared_is_told(base_path: Path, tmp_path: Path) -> None:
    labels, right = answered_by(base_path, ("好",))
    names = tuple(dict.fromkeys((*labels, "x", "y")))
    compared = logged(["好"], np.roll(right, -int(right.argmax()), axis=1), labels=names)
    logs = [
        logged(["没有答案"], None),
        logged_examples("regress", ["数字"], [(0.5, 0.5)]),
        logged_ids([[2]], [[0.0, 1.0, 0.0]], version=9),
    ]
    with pytest.raises(InvalidInputError, match=r"can be compared\. .* were skipped: 2\."):
        verify_requests(write_log(tmp_path / "log", logs), model_dir=base_path / "3")
    log = write_log(tmp_path / "log", [*logs, compared])
    result = verify_requests(log, model_dir=base_path / "3", tolerance=1)
    assert (result.requests, result.texts, result.labels_changed) == (4, 1, 0)
    assert len(result.notes) == 2


def test_refused_texts_are_counted_one_by_one(base_path: Path, tmp_path: Path) -> None:
    good = logged_ids([[2, 3]], [[0.0, 1.0, 0.0]])
    bad = logged_ids([[2, 2**40]], [[0.0, 1.0, 0.0]])
    log = write_log(tmp_path / "log", [good, bad, good])
    result = verify_requests(log, model_dir=base_path / "3", tolerance=1)
    assert (result.texts, result.refused, result.is_equal) == (2, 1, False)
    assert "Texts that were refused: 1, the first: " in result.notes[-1]


def test_bad_input_is_told(base_path: Path, tmp_path: Path, server: ModelServer) -> None:
    log = write_log(tmp_path / "log", [logged(["a"], [(0.5, 0.5)])])
    mixed = write_log(tmp_path / "mixed", [logged(["a"], None), logged(["b"], None, model="b")])
    nameless = write_log(tmp_path / "nameless", [logged(["a"], [(0.5, 0.5)], model="")])
    address = f"localhost:{server.port}"
    cases: list[tuple[str, Path, dict[str, Any]]] = [
        (
            "one of `server` and `rest_api`. Received: both",
            log,
            {"server": "a:1", "rest_api": "b:1"},
        ),
        ("`version_label` need", log, {"version_label": "stable"}),
        ("no such file", tmp_path / "no", {}),
        ("must hold requests of model 'books'", log, {"model_name": "books"}),
        ("must be of one model", mixed, {"model_dir": base_path / "3"}),
        ("`model_name` must be given", nameless, {"server": address}),
        ("at least one request", write_log(tmp_path / "empty", []), {}),
    ]
    for message, path, arguments in cases:
        with pytest.raises(InvalidInputError) as raised:
            verify_requests(path, **arguments)
        assert message in str(raised.value)
    absent: list[dict[str, Any]] = [{"version": 77}, {"version_label": "none"}]
    for wanted in absent:
        with pytest.raises((ServableNotFoundError, InvalidInputError)):
            verify_requests(log, server=address, **PATIENT, **wanted)
        with pytest.raises((ServableNotFoundError, InvalidInputError)):
            verify_requests(log, rest_api=f"localhost:{server.rest_api_port}", **PATIENT, **wanted)
    with pytest.raises(ServableUnavailableError):
        verify_requests(log, server="localhost:1", timeout_seconds=0.2)
    with pytest.raises(ServableNotFoundError):
        verify_requests(log, model_dir=tmp_path)


def tallied(then: tuple[float, ...], now: tuple[float, ...]) -> ReplayTally:
    """A text whose label was 0 and is 1."""
    sent = ExampleAnswer("a", (), (), "0", then)
    tally = ReplayTally(1e-5)
    tally.add(LoggedAnswer(TEXT, sent, 3, True, bool(then)), Answers([now], labels=["1"]), 0)
    return tally


def test_labels_that_are_as_probable_may_be_swapped() -> None:
    assert tallied((0.500001, 0.499999), (0.499999, 0.500001)).labels_changed == 0
    assert tallied((0.51, 0.49), (0.49, 0.51)).labels_changed == 1
    assert tallied((0.51, 0.49), (0.51, 0.49)).labels_changed == 1
    # Without probabilities nothing is known but the labels.
    assert tallied((), (0.5, 0.5)).labels_changed == 1


def test_a_number_that_is_none_is_off() -> None:
    tally = tallied((0.5, 0.5), (float("nan"), 0.5))
    assert (tally.probabilities_changed, tally.largest_difference) == (1, None)
