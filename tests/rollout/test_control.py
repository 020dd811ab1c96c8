import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tensorflow_serving.config import model_server_config_pb2 as their_config_pb2

from lstm_sentiment.client.model_service import RunningServer
from lstm_sentiment.errors import (
    ConfigError,
    InvalidInputError,
    LstmSentimentError,
    ServableUnavailableError,
)
from lstm_sentiment.models_config.config import load_models_config
from lstm_sentiment.models_config.version_policy import All, Latest, Specific
from lstm_sentiment.rollout.control import ModelsControl
from lstm_sentiment.rollout.status import models_status, parse_policy, policy_text
from tests.client_servers import FakeTime
from tests.model_service import AVAILABLE, END, StockModelService

TEXT = """\
# The hotel's models.
model_config_list {
  config {
    name: "m"
    base_path: "/absent/m"
    model_platform: "tensorflow"
    model_version_policy { specific { versions: 1 versions: 2 } }  # both
    version_labels { key: "stable" value: 1 }
  }
}
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "models.config"
    path.write_text(TEXT)
    return path


@pytest.fixture
def here(path: Path, tmp_path: Path) -> Path:
    """The config with a base path that is on this machine, with versions 1, 2 and 3."""
    for version in (1, 2, 3):
        (tmp_path / "m" / str(version)).mkdir(parents=True)
    path.write_text(TEXT.replace("/absent", str(tmp_path)))
    return path


@pytest.fixture
def service() -> StockModelService:
    return StockModelService(m={1, 2})


@pytest.fixture
def time() -> FakeTime:
    return FakeTime()


@pytest.fixture
def running(service: StockModelService, time: FakeTime) -> Iterator[RunningServer]:
    server, address = service.serve()
    with RunningServer(address, timeout_seconds=30, timing=time.timing) as running:
        yield running
    server.stop(0).wait()


def model(path: Path) -> Any:
    return load_models_config(path).model_config_list.config[0]


def labels(path: Path) -> dict[str, int]:
    return dict(model(path).version_labels)


def specific(path: Path) -> list[int]:
    return list(model(path).model_version_policy.specific.versions)


def test_a_server_takes_a_config_of_tensorflow_servings_own_package(
    path: Path, running: RunningServer, service: StockModelService
) -> None:
    config = load_models_config(path)
    running.reload(their_config_pb2.ModelServerConfig.FromString(config.SerializeToString()))
    assert service.reloads == [config]


def test_a_label_moves_in_the_file_and_on_the_server(
    path: Path, running: RunningServer, service: StockModelService
) -> None:
    changed = ModelsControl(path, server=running).label("stable", 2)
    assert path.read_text() == TEXT.replace("value: 1", "value: 2")
    assert service.labels == {"m": {"stable": 2}}
    assert [load_models_config(path)] == service.reloads
    assert changed.summary == "label stable of model m points to version 2; it was version 1"
    assert changed.undo == ("label", "stable", "1")
    again = ModelsControl(path, server=running).label("stable", 2)
    assert (again.summary, again.undo) == (
        "label stable of model m points to version 2 already",
        (),
    )


def test_a_version_that_is_not_served_yet_is_loaded_before_it_is_labelled(
    here: Path, running: RunningServer, service: StockModelService
) -> None:
    service.slow.add(3)
    changed = ModelsControl(here, server=running).label("canary", 3)
    assert specific(here) == [1, 2, 3]
    assert service.labels == {"m": {"stable": 1, "canary": 3}}
    assert len(service.reloads) == 2
    assert changed.undo == ("unlabel", "canary")


def test_without_a_server_a_version_is_added_before_a_label_moves_to_it(here: Path) -> None:
    control = ModelsControl(here)
    first = control.label("stable", 3)
    assert (labels(here), specific(here)) == ({"stable": 1}, [1, 2, 3])
    assert first.summary == (
        "version 3 is added to the version policy of model m; label stable still points to "
        "version 1"
    )
    assert (first.to_do, first.undo) == (
        ("label", "stable", "3"),
        ("rollback", "--policy", "specific:1,2"),
    )
    second = control.label("stable", 3)
    assert (labels(here), second.to_do) == ({"stable": 3}, ())
    [note] = second.notes
    assert "refuses it until it serves version 3" in note
    control.set_policy("specific:3")
    assert "label canary does not exist yet" in control.label("canary", 2).summary


def test_a_version_that_the_server_has_is_added_and_labelled_at_once(
    here: Path, running: RunningServer, service: StockModelService
) -> None:
    service.states["m"] |= {3: AVAILABLE}
    changed = ModelsControl(here, server=running).label("stable", 3)
    assert (labels(here), specific(here), changed.to_do) == ({"stable": 3}, [1, 2, 3], ())
    assert len(service.reloads) == 1


def test_a_version_that_does_not_load_is_not_labelled_and_all_is_as_it_was(
    here: Path, running: RunningServer, service: StockModelService
) -> None:
    before = here.read_text()
    service.broken.add(3)
    with pytest.raises(ServableUnavailableError, match=r"3 of model m is END: no good\. .*as it"):
        ModelsControl(here, server=running).label("stable", 3)
    assert here.read_text() == before
    assert service.available("m") == {1, 2}
    assert service.reloads[-1] == load_models_config(here)


def test_a_version_that_takes_too_long_is_not_labelled(
    here: Path, running: RunningServer, service: StockModelService
) -> None:
    before = here.read_text()
    service.loads_nothing = True
    with pytest.raises(ServableUnavailableError, match=r"30 seconds\. Received: it is not known"):
        ModelsControl(here, server=running).label("stable", 3)
    assert here.read_text() == before


@pytest.mark.parametrize("is_told_by_status", [True, False])
def test_what_the_server_refuses_is_undone(
    path: Path, running: RunningServer, service: StockModelService, is_told_by_status: bool
) -> None:
    if is_told_by_status:
        service.refusal = "not today"
    else:
        service.states["other"] = {}
        path.write_text(TEXT.replace("model_config_list {", OTHER_WITH_LABEL))
    before = path.read_text()
    with pytest.raises(InvalidInputError, match=rf"(not today|version 8)\. {path} is as it was"):
        ModelsControl(path, model_name="m", server=running).unlabel("stable")
    assert path.read_text() == before


OTHER_WITH_LABEL = """model_config_list {
  config { name: "other" base_path: "/absent/other" model_platform: "tensorflow"
           version_labels { key: "x" value: 8 } }"""


def test_a_file_that_another_changed_meanwhile_is_left_alone(
    path: Path, running: RunningServer, service: StockModelService
) -> None:
    service.refusal = "not today"
    service.on_reload = lambda: path.write_text(TEXT + "# another\n")
    with pytest.raises(InvalidInputError, match="was changed by another meanwhile"):
        ModelsControl(path, server=running).label("stable", 2)
    assert path.read_text() == TEXT + "# another\n"


def test_what_another_changed_since_the_file_was_read_stays(
    path: Path, running: RunningServer, service: StockModelService
) -> None:
    alone = ModelsControl(path)
    control = alone.connected_to(running)
    ModelsControl(path).label("canary", 2)
    control.label("stable", 2)
    assert labels(path) == service.labels["m"] == {"stable": 2, "canary": 2}
    ModelsControl(path).label("nightly", 1)
    assert alone.unlabel("canary").undo == ("label", "canary", "2")
    assert labels(path) == {"stable": 2, "nightly": 1}
    assert len(service.reloads) == 1


def test_a_version_that_cannot_be_labelled_is_refused_before_anything_is_written(
    here: Path, running: RunningServer, service: StockModelService
) -> None:
    before = here.read_text()
    alone, control = ModelsControl(here), ModelsControl(here, server=running)
    with pytest.raises(InvalidInputError, match=r"base path of model m: 1, 2, 3\. Received: 9"):
        alone.label("stable", 9)
    with pytest.raises(InvalidInputError, match="Received: 9"):
        control.label("stable", 9)
    service.states["m"][2] = END
    with pytest.raises(InvalidInputError, match="Received: version 2 of model m, which is END"):
        control.label("stable", 2)
    del service.states["m"][2]
    with pytest.raises(InvalidInputError, match="which is not known to the server"):
        control.label("stable", 2)
    with pytest.raises(InvalidInputError, match="`label` must be UTF-8 text, not empty"):
        alone.label("", 1)
    assert here.read_text() == before
    here.write_text(before.replace("specific { versions: 1 versions: 2 }", "latest {}"))
    with pytest.raises(InvalidInputError, match="whose policy is latest:1"):
        alone.label("stable", 2)
    assert service.reloads == []


def test_without_the_folder_a_version_is_labelled_unseen(path: Path) -> None:
    changed = ModelsControl(path).label("canary", 7)
    assert (labels(path), specific(path)) == ({"stable": 1}, [1, 2, 7])
    assert changed.to_do == ("label", "canary", "7")
    ModelsControl(path).label("canary", 7)
    assert labels(path) == {"stable": 1, "canary": 7}
    assert specific(path) == [1, 2, 7]
    assert changed.notes == (
        "base path /absent/m is not on this machine, so that version 7 could not be looked for",
    )


def test_a_label_has_an_older_keyword(here: Path) -> None:
    control: Any = ModelsControl(here)
    assert control.label(label="stable", version=2).undo == ("label", "stable", "1")
    control.label(version_label="stable", version=1)
    with pytest.raises(InvalidInputError, match="at most one of them may be given"):
        control.label(label="stable", version_label="stable", version=2)
    assert labels(here) == {"stable": 1}


def test_a_label_is_taken_away(
    path: Path, running: RunningServer, service: StockModelService
) -> None:
    changed = ModelsControl(path, server=running).unlabel("stable")
    assert labels(path) == {} == service.labels["m"]
    assert changed.undo == ("label", "stable", "1")
    with pytest.raises(InvalidInputError, match=r"model 'm': none\. Received: label='stable'"):
        ModelsControl(path, server=running).unlabel("stable")


def test_a_label_goes_back_to_the_version_before(
    here: Path, running: RunningServer, service: StockModelService
) -> None:
    control = ModelsControl(here, server=running)
    control.label("stable", 3)
    service.states["m"][2] = END
    assert control.roll_back_label("stable").undo == ("label", "stable", "3")
    assert labels(here) == {"stable": 1}, "1 answers, 2 does not"
    with pytest.raises(InvalidInputError, match="before version 1"):
        control.roll_back_label("stable")
    with pytest.raises(InvalidInputError, match=r"'stable'\. Received: label='canary'"):
        control.roll_back_label("canary")
    control.roll_back_label("stable", 3)
    assert labels(here) == {"stable": 3}
    alone = ModelsControl(here)
    alone.roll_back_label("stable")
    assert labels(here) == {"stable": 2}


def test_a_model_goes_back_to_the_version_before_and_forth_again(
    here: Path, running: RunningServer, service: StockModelService
) -> None:
    before = "latest { num_versions: 3 }"
    text = here.read_text().replace("specific { versions: 1 versions: 2 }", before)
    here.write_text(text)
    service.states = {"m": {1: 30, 3: 30}}
    service.slow.add(2)
    control = ModelsControl(here, server=running)
    changed = control.roll_back()
    assert specific(here) == [1, 2]
    assert service.available("m") == {1, 2}
    assert changed.summary == "version policy of model m is specific:1,2; it was latest:3"
    assert changed.undo == ("rollback", "--policy", "latest:3")
    assert changed.notes == ()
    with pytest.raises(InvalidInputError, match=r"latest:1, and label stable points to version 1"):
        control.set_policy("latest:1")
    control.set_policy("latest:3")
    assert here.read_text() == text
    assert control.set_policy("latest:3").summary.endswith("is latest:3 already")


def test_a_label_that_keeps_the_newer_version_is_told_of(here: Path) -> None:
    control = ModelsControl(here)
    control.set_policy("specific:1,2,3")
    control.label("stable", 3)
    changed = control.roll_back()
    assert specific(here) == [2, 3]
    [note] = changed.notes
    assert note.startswith("version 3 is still served, as label stable points to it")


def test_going_back_where_nothing_is_before_is_refused(here: Path, path: Path) -> None:
    before = here.read_text()
    with pytest.raises(InvalidInputError, match="Received: 8"):
        ModelsControl(here).roll_back(8)
    here.write_text(before.replace("specific { versions: 1 versions: 2 }", "specific { }"))
    with pytest.raises(InvalidInputError, match="no version of model m is known"):
        ModelsControl(here).roll_back()
    here.write_text(before.replace("versions: 2", ""))
    with pytest.raises(InvalidInputError, match="before version 1, or --version"):
        ModelsControl(here).roll_back()
    path.write_text(TEXT)
    ModelsControl(path).roll_back()
    assert specific(path) == [1]


def test_what_the_server_has_need_not_be_on_this_machine(
    here: Path, running: RunningServer, service: StockModelService
) -> None:
    service.states["m"][0] = 30
    ModelsControl(here, server=running).roll_back(0)
    assert specific(here) == [1, 0]


def test_what_fails_on_the_server_is_not_gone_back_to(
    here: Path, running: RunningServer, service: StockModelService
) -> None:
    ModelsControl(here, server=running).label("stable", 3)
    ModelsControl(here, server=running).unlabel("stable")
    service.broken.add(2)
    service.states["m"][2] = END
    ModelsControl(here, server=running).roll_back()
    assert specific(here) == [1]


def test_a_policy_must_serve_what_labels_point_to(path: Path) -> None:
    with pytest.raises(InvalidInputError, match="label stable points to version 1"):
        ModelsControl(path).set_policy("specific:2")
    with pytest.raises(InvalidInputError, match="must be latest:N, all or specific:N,N"):
        ModelsControl(path).set_policy("newest")
    ModelsControl(path).set_policy("all")
    assert path.read_text() == TEXT.replace("specific { versions: 1 versions: 2 }", "all { }")


@given(
    st.one_of(
        st.builds(Latest, st.integers(1, 9)),
        st.just(All()),
        st.builds(Specific, st.frozensets(st.integers(0, 99), min_size=1)),
    )
)
def test_a_policy_survives_being_written_and_read(policy: Any) -> None:
    assert parse_policy(policy_text(policy)) == policy


def test_the_status_is_put_together_of_file_folder_and_server(
    here: Path, running: RunningServer, service: StockModelService
) -> None:
    here.write_text(here.read_text().replace("model_config_list {", OTHER_WITH_LABEL))
    service.broken.add(3)
    service.states["m"][3] = END
    other, found = models_status(here, server=running)
    assert found.to_dict() == {
        "name": "m",
        "base_path": str(here.parent / "m"),
        "version_policy": "specific:1,2",
        "labels": {"stable": 1},
        "versions_on_disk": [1, 2, 3],
        "versions": [
            {"version": 3, "state": "END", "error_message": "no good"},
            {"version": 2, "state": "AVAILABLE", "error_message": ""},
            {"version": 1, "state": "AVAILABLE", "error_message": ""},
        ],
        "facts": {},
    }
    assert (other.version_policy, other.versions_on_disk, other.versions) == ("latest:1", None, [])
    [alone] = models_status(here, model_name="m")
    assert (alone.versions, alone.labels) == (None, {"stable": 1})
    [by_server] = models_status(server=running, model_name="m")
    assert by_server.versions == found.versions
    assert (by_server.base_path, by_server.version_policy) == (None, None)


@pytest.mark.parametrize(
    "ask",
    [
        lambda path, server: ModelsControl(path, server=server).label("stable", 2),
        lambda path, server: ModelsControl(path, server=server).unlabel("stable"),
        lambda path, server: models_status(path, server=server),
    ],
)
def test_a_server_that_is_not_there_leaves_the_file_as_it_was(
    path: Path, ask: Callable[[Path, RunningServer], Any]
) -> None:
    refused = pytest.raises(LstmSentimentError, match=r"127\.0\.0\.1:1: ")
    with RunningServer("127.0.0.1:1", timeout_seconds=30) as nobody, refused:
        ask(path, nobody)
    assert path.read_text() == TEXT


def test_which_model_must_be_clear(path: Path) -> None:
    path.write_text(TEXT.replace("model_config_list {", OTHER_WITH_LABEL))
    with pytest.raises(ConfigError, match="the model must be named"):
        ModelsControl(path)
    with pytest.raises(InvalidInputError, match="neither"):
        models_status()
    with pytest.raises(InvalidInputError, match="`timeout_seconds` must be"):
        RunningServer("h:1", timeout_seconds=0)


def test_the_status_has_date_and_test_accuracy_of_versions_with_a_card(here: Path) -> None:
    card = {
        "trained_at": "2026-11-30T11:20:05+00:00",
        "metrics": {"test": {"accuracy": 0.9, "macro_f1": 0.875}},
        "data": {"test": {"texts": 100}},
    }
    damaged = {"metrics": {"test": {"accuracy": "high"}}, "data": [], "trained_at": 7}
    for version, text in ((1, json.dumps(card)), (2, json.dumps(damaged)), (3, "{")):
        folder = here.parent / "m" / str(version) / "assets.extra"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "sentiment.json").write_text(text)
    (status,) = models_status(here)
    facts = status.to_dict()["facts"]
    assert facts["1"]["trained_at"] == "2026-11-30T11:20:05+00:00"
    assert facts["1"]["test_texts"] == 100
    interval = {"value": 0.9, "low": 0.826, "high": 0.945}
    assert facts["1"]["test_accuracy"] == pytest.approx(interval, abs=1e-3)
    assert facts["2"] == dict.fromkeys(facts["1"])
    assert set(facts) == {"1", "2"}
