from pathlib import Path

import pytest
from google.protobuf import text_format
from hypothesis import given
from hypothesis import strategies as st

from lstm_sentiment.errors import ConfigError, InvalidInputError
from lstm_sentiment.models_config.config import (
    check_models_config,
    load_models_config,
    parse_models_config,
    servables_to_monitor,
    single_model_config,
    version_labels,
)
from lstm_sentiment.models_config.version_policy import All, Latest, ServableToMonitor, Specific
from lstm_sentiment.protocol.model_server_config_pb2 import ModelServerConfig
from lstm_sentiment.unicode import has_controls

VERSION = st.integers(0, 2**63 - 1)
PATH = st.text(st.characters(codec="utf-8"), min_size=1, max_size=8)
NAME = PATH.filter(lambda name: not has_controls(name))


def model_text(body: str, name: str = "m") -> str:
    return (
        f'model_config_list {{ config {{ name: "{name}" base_path: "/models/m" '
        f'model_platform: "tensorflow" {body} }} }}'
    )


@st.composite
def configs(draw: st.DrawFn) -> ModelServerConfig:
    config = ModelServerConfig()
    for name in draw(st.lists(NAME, min_size=1, max_size=3, unique=True)):
        model = config.model_config_list.config.add(name=name, model_platform="tensorflow")
        model.base_path = "/" + draw(PATH)
        for label, version in draw(st.dictionaries(NAME, VERSION, max_size=3)).items():
            model.version_labels[label] = version
        policy = draw(st.sampled_from(["", "latest", "all", "specific"]))
        if policy == "latest":
            model.model_version_policy.latest.num_versions = draw(st.integers(0, 2**32 - 1))
        elif policy == "all":
            model.model_version_policy.all.SetInParent()
        elif policy == "specific":
            model.model_version_policy.specific.versions.extend(draw(st.lists(VERSION)))
    return config


@given(configs(), st.booleans())
def test_a_config_survives_being_written_and_read(config: ModelServerConfig, as_utf8: bool) -> None:
    text = text_format.MessageToString(config, as_utf8=as_utf8)
    assert parse_models_config(text) == config


def test_policies_and_labels_are_read() -> None:
    config = parse_models_config(
        """
        model_config_list {
          config { name: "a" base_path: "/a" model_platform: "tensorflow" }
          config { name: "b" base_path: "/b" model_platform: "tensorflow"
                   model_version_policy { latest { num_versions: 2 } } }
          config { name: "c" base_path: "/c" model_platform: "tensorflow"
                   model_version_policy { all {} } }
          config { name: "d" base_path: "/d" model_type: TENSORFLOW
                   model_version_policy { specific { versions: [1, 7] } }
                   version_labels { key: "stable" value: 1 }
                   version_labels { key: "canary" value: 7 } }
        }
        """
    )
    assert servables_to_monitor(config) == [
        ServableToMonitor("a", Path("/a"), Latest(1)),
        ServableToMonitor("b", Path("/b"), Latest(2)),
        ServableToMonitor("c", Path("/c"), All()),
        ServableToMonitor("d", Path("/d"), Specific(frozenset({1, 7}))),
    ]
    assert version_labels(config)["d"] == {"stable": 1, "canary": 7}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            'model_config_list {\n config { nam: "a" } }',
            "f:2: Error parsing text-format tensorflow.serving.ModelServerConfig: 2:14: "
            'Message type .* no field named "nam"',
        ),
        (
            "model_config_list {\n config {\n",
            r"f:3: Error parsing text-format tensorflow\.serving\.ModelServerConfig: 3:1: E",
        ),
        ("", "f: model_config_list must be there; `model_config_list {}` serves no model"),
        ('custom_model_config { type_url: "x" }', "f: custom_model_config is not supported"),
        (
            'model_config_list { config { name: "m" base_path: "models/m" } }',
            "f: base_path must be absolute. Received: base_path='models/m' for model 'm'",
        ),
        (
            'model_config_list { config { name: "m" base_path: "/m" } }',
            "f: model_platform must be \"tensorflow\". Received: model_platform=''",
        ),
        (
            'model_config_list { config { name: "m" base_path: "/m" model_platform: "onnx" } }',
            "Received: model_platform='onnx'",
        ),
        (model_text("model_type: TENSORFLOW"), "model_platform must be"),
        (model_text("", name=""), "f: name must not be empty"),
        *(
            (model_text("", name=name), r"f: name must have no control characters.*'a\\")
            for name in (r"a\nERROR forged", r"a\033[31m", r"a\342\200\256", r"a\000")
        ),
        (
            model_text(r'version_labels { key: "s\r" value: 1 }'),
            r"f: version_labels must have no control characters.*'s\\r' -> 1",
        ),
        (model_text('version_labels { key: "s" value: -1 }'), "Received: 's' -> -1"),
        (model_text("version_labels { value: 1 }"), "Received: '' -> 1"),
        (model_text("model_version_policy { specific { versions: -3 } }"), "Received: -3"),
        (model_text("model_version_policy { specific {} all {} }"), "f:1: .*: Field .*oneof"),
        *(
            (
                model_text("").replace("/models/m", f"{scheme}://store/m"),
                f"f: base_path must be a folder of this machine.* mount it .*='{scheme}:",
            )
            for scheme in ("s3", "gs", "hdfs", "viewfs")
        ),
        (
            model_text("").replace("/models/m", "file:///models/m"),
            "f: base_path must be a path: write /models/m without",
        ),
        (
            "model_config_list {"
            + 2 * "config { name: 'm' base_path: '/m' model_platform: 'tensorflow' }"
            + "}",
            "f: model names must differ. Received: 'm' 2 times",
        ),
    ],
)
def test_a_config_that_breaks_a_rule_is_refused_in_one_line(text: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message) as caught:
        parse_models_config(text, source="f")
    assert "\n" not in str(caught.value)
    assert str(caught.value).startswith("f:")


def test_an_empty_list_is_a_config_that_serves_no_model() -> None:
    assert servables_to_monitor(parse_models_config("model_config_list {}")) == []


def test_a_syntax_error_in_a_file_names_path_and_line(tmp_path: Path) -> None:
    path = tmp_path / "models.config"
    path.write_text("model_config_list {\n  config {\n    name 'a'\n  }\n}\n")
    with pytest.raises(ConfigError) as caught:
        load_models_config(path)
    assert str(caught.value).startswith(f"{path}:3:")


def test_a_file_that_cannot_be_read_is_one_clear_line(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"absent\.config: cannot be read: No such file"):
        load_models_config(tmp_path / "absent.config")
    with pytest.raises(ConfigError, match="cannot be read: Is a directory"):
        load_models_config(tmp_path)
    (tmp_path / "latin").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ConfigError, match="must be UTF-8 text"):
        load_models_config(tmp_path / "latin")


def test_a_config_of_one_model_serves_its_latest_version(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    config = single_model_config("sentiment", "models/sentiment")
    check_models_config(config)
    assert servables_to_monitor(config) == [
        ServableToMonitor("sentiment", tmp_path / "models/sentiment", Latest(1))
    ]
    with pytest.raises(InvalidInputError, match="must not be empty"):
        single_model_config("", "models")
    with pytest.raises(InvalidInputError, match="must not be empty"):
        single_model_config("m", "")
    with pytest.raises(InvalidInputError, match=r"must have no control.*'a\\n"):
        single_model_config("a\nERROR forged", "models")
    for elsewhere in ("gs://store/m", Path("gs://store/m")):
        with pytest.raises(InvalidInputError, match=r"or copy it\. Received: gs:"):
            single_model_config("m", elsewhere)


def test_the_config_for_stock_tensorflow_serving_is_valid() -> None:
    config = load_models_config(Path(__file__).parents[2] / "serving_configs" / "models.config")
    assert servables_to_monitor(config) == [
        ServableToMonitor("sentiment", Path("/models/sentiment"), Specific(frozenset({1, 2})))
    ]
    assert version_labels(config) == {"sentiment": {"stable": 1}}
