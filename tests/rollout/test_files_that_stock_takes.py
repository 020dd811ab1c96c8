"""Each file that a command writes is one that a stock server takes that polls it.

`PollingServer` has TensorFlow Serving's rules without
`--allow_version_labels_for_unavailable_models`, which are the stricter ones: with the flag only a
new label may point to a version that is not available
(`tensorflow_serving/model_servers/server_core.cc`).
"""

from pathlib import Path
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from lstm_sentiment.errors import InvalidInputError
from lstm_sentiment.models_config.config import load_models_config, policy_of
from lstm_sentiment.models_config.edit import label_version
from lstm_sentiment.models_config.version_policy import aspired_versions
from lstm_sentiment.rollout.control import ModelsControl

VERSIONS = st.integers(1, 4)
LABELS = st.sampled_from(["stable", "canary", "best"])
POLICIES = st.one_of(
    st.just("all"),
    st.builds("latest:{}".format, st.integers(1, 3)),
    st.sets(VERSIONS, min_size=1).map(lambda found: f"specific:{','.join(map(str, found))}"),
)
COMMANDS = st.one_of(
    st.tuples(st.just("label"), LABELS, VERSIONS),
    st.tuples(st.just("fit"), LABELS, VERSIONS),
    st.tuples(st.just("unlabel"), LABELS),
    st.tuples(st.just("roll_back_label"), LABELS),
    st.tuples(st.just("roll_back"), VERSIONS),
    st.tuples(st.just("set_policy"), POLICIES),
)


class PollingServer:
    """Looks at a file once a second, of which `poll` is one."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.available: set[int] = set()
        self.labels: dict[str, int] = {}
        self.is_refusing = False

    def poll(self) -> None:
        """Takes the file as a whole, or refuses it as a whole."""
        [model] = load_models_config(self.path).model_config_list.config
        labels = dict(model.version_labels)
        self.is_refusing = bool(set(labels.values()) - self.available)
        if not self.is_refusing:
            self.labels = labels
            on_disk = [int(folder.name) for folder in Path(model.base_path).iterdir()]
            self.available = set(aspired_versions(policy_of(model), on_disk))


def config_of(base: Path) -> str:
    return f"""model_config_list {{ config {{
  name: "m" base_path: "{base}" model_platform: "tensorflow"
  model_version_policy {{ specific {{ versions: 1 versions: 2 }} }}
}} }}
"""


def run(path: Path, command: tuple[Any, ...]) -> None:
    """Runs a command as a user does who does what it says is left, once that can be done."""
    name, *arguments = command
    if name == "fit":
        [model] = load_models_config(path).model_config_list.config
        version = arguments[1]
        on_disk = [int(folder.name) for folder in Path(model.base_path).iterdir()]
        served = aspired_versions(policy_of(model), on_disk)
        # `fit` labels the version that it has just exported, which every other policy serves.
        if policy_of(model) == policy_of_specific(model) or version in served:
            label_version(path, model.base_path, arguments[0], version)
        return
    getattr(ModelsControl(path), name)(*arguments)


def policy_of_specific(model: Any) -> Any:
    """Returns the policy of a model if it is `specific`, else `None`."""
    is_specific = model.model_version_policy.WhichOneof("policy_choice") == "specific"
    return policy_of(model) if is_specific else None


@given(commands=st.lists(COMMANDS, max_size=8))
def test_a_server_that_polls_takes_what_each_command_writes(
    tmp_path_factory: Any, commands: list[tuple[Any, ...]]
) -> None:
    folder = tmp_path_factory.mktemp("polled")
    for version in range(1, 5):
        (folder / "m" / str(version)).mkdir(parents=True)
    path = folder / "models.config"
    path.write_text(config_of(folder / "m"))
    server = PollingServer(path)
    server.poll()
    for command in commands:
        # Twice: where something is left to do, the second time does it.
        for _ in range(2):
            try:
                run(path, command)
            except InvalidInputError:
                break
            for _ in range(3):
                server.poll()
                assert not server.is_refusing, command
            if command[0] not in ("label", "fit", "roll_back_label"):
                break
        [model] = load_models_config(path).model_config_list.config
        assert server.labels == dict(model.version_labels)
        if command[0] in ("label", "fit") and command[1] in server.labels:
            assert server.available >= {server.labels[command[1]]}


def test_a_version_and_its_label_in_one_file_would_be_refused(tmp_path: Path) -> None:
    (tmp_path / "m" / "1").mkdir(parents=True)
    (tmp_path / "m" / "3").mkdir()
    path = tmp_path / "models.config"
    text = config_of(tmp_path / "m")
    path.write_text(text)
    server = PollingServer(path)
    server.poll()
    label = 'version_labels { key: "stable" value: 3 }'
    path.write_text(
        text.replace("versions: 2 ", "versions: 3 ").replace("} }\n}", f"}} }}\n{label}}}")
    )
    for _ in range(3):
        server.poll()
        assert server.is_refusing and 3 not in server.available
