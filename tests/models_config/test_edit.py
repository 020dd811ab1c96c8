import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from random import Random
from typing import Any

import pytest
from google.protobuf import text_encoding
from hypothesis import given, settings
from hypothesis import strategies as st
from tensorflow_serving.config import model_server_config_pb2

from lstm_sentiment.errors import ConfigError, InvalidInputError
from lstm_sentiment.models_config.changes import (
    ModelChange,
    RemoveLabel,
    SetLabel,
    SetVersionPolicy,
)
from lstm_sentiment.models_config.config import (
    load_models_config,
    parse_models_config,
)
from lstm_sentiment.models_config.edit import (
    ConfigEdit,
    Labelled,
    change_model,
    editing,
    label_version,
    put_back,
    read_config,
)
from lstm_sentiment.models_config.model_choice import (
    ModelChoice,
    find_model,
    named,
    named_versions,
    served_from,
)
from lstm_sentiment.models_config.text_format import Edit, UnknownSyntaxError
from lstm_sentiment.models_config.version_policy import All, Latest, Specific
from lstm_sentiment.protocol.model_server_config_pb2 import ModelServerConfig
from tests.models_config.test_config import NAME, VERSION, configs


def edited(path: Path, choice: ModelChoice, change: ModelChange) -> ConfigEdit:
    with editing(path) as file:
        return change_model(file, choice, change)


WRITTEN_ANEW = "rewritten without its comments and layout"


def with_label(config: Any, index: int, label: str, version: int) -> Any:
    """What must come of `config`."""
    changed = ModelServerConfig()
    changed.CopyFrom(config)
    model = changed.model_config_list.config[index]
    model.version_labels[label] = version
    policy = model.model_version_policy
    if policy.HasField("specific") and version not in policy.specific.versions:
        policy.specific.versions.append(version)
    return changed


def tokens_of(message: Any, random: Random) -> Iterator[str]:
    """A message in text format, its fields in one of the ways there are to write them."""
    for field, value in message.ListFields():
        if field.message_type and field.message_type.GetOptions().map_entry:
            entry = model_server_config_pb2.ModelConfig.VersionLabelsEntry
            values = [entry(key=key, value=value[key]) for key in value]
        else:
            values = list(value) if field.is_repeated else [value]
        in_brackets = field.is_repeated and random.random() < 0.3
        for number, one in enumerate(values):
            if number == 0 or not in_brackets:
                yield field.name
                if field.message_type is None or random.random() < 0.3:
                    yield ":"
                if in_brackets:
                    yield "["
            yield from value_tokens(one, random)
            if in_brackets and number < len(values) - 1:
                yield ","
            else:
                yield "]" if in_brackets else ""
                yield random.choice(["", "", ",", ";"])


def value_tokens(value: Any, random: Random) -> Iterator[str]:
    if isinstance(value, str):
        at = random.randint(0, len(value))
        for part in (value[:at], value[at:]):
            quote = random.choice("'\"")
            yield quote + text_encoding.CEscape(part.encode(), as_utf8=False) + quote
    elif isinstance(value, int):
        yield str(value) if random.random() < 0.5 else hex(value)
    else:
        opening, closing = random.choice([("{", "}"), ("<", ">")])
        yield opening
        yield from tokens_of(value, random)
        yield closing


def written_oddly(config: Any, random: Random) -> tuple[str, list[str]]:
    """The config as text, and the comments in it."""
    comments = ["# on top"]
    text = "# on top\n"
    for token in filter(None, tokens_of(config, random)):
        gap = random.choice([" ", "  ", "\n", "\n\t", "\r\n  ", "#"])
        if gap == "#":
            comments.append(f"# {len(comments)} }}]> '\" {{[< config {{ \\")
            gap = " " + comments[-1] + random.choice(["\n", "\r\n"])
        elif gap == " " and not (token[0].isalnum() and text[-1:].isalnum()):
            gap = ""
        text += gap + token
    return text, comments


@given(
    configs(),
    st.integers(0, 2),
    NAME,
    VERSION,
    st.randoms(use_true_random=True),
)
def test_exactly_the_label_changes_and_every_comment_stays(
    tmp_path_factory: pytest.TempPathFactory,
    config: Any,
    index: int,
    new_label: str,
    new_version: int,
    random: Random,
) -> None:
    path = tmp_path_factory.getbasetemp() / "odd" / "models.config"
    path.parent.mkdir(exist_ok=True)
    text, comments = written_oddly(config, random)
    path.write_bytes(text.encode())
    index %= len(config.model_config_list.config)
    model = config.model_config_list.config[index]
    labels, versions = (
        list(model.version_labels),
        list(model.model_version_policy.specific.versions),
    )
    label = random.choice([new_label, *labels])
    version = random.choice([0, new_version, *versions])
    folders = [os.path.normpath(model.base_path) for model in config.model_config_list.config]
    if folders.count(os.path.normpath(model.base_path)) > 1:
        with pytest.raises(ConfigError, match="must serve"):
            label_version(path, model.base_path, label, version)
        assert path.read_bytes().decode() == text
        return
    done = label_version(path, model.base_path, label, version)
    if not done.is_moved:
        # First the version alone: a server that polls the file refuses both at once.
        labels_before = {name: model.version_labels[name] for name in labels}
        now = load_models_config(path).model_config_list.config[index]
        assert dict(now.version_labels) == labels_before
        assert version in now.model_version_policy.specific.versions
        done = label_version(path, model.base_path, label, version)
    assert done == Labelled(model.name, True)
    assert load_models_config(path) == with_label(config, index, label, version)
    after = path.read_bytes().decode()
    assert [line for line in comments if line not in after] == []


COMMENTED = """\
# The hotel's models.
model_config_list {  # one list
  config {
    name: "other"
    base_path: "/models/other"  # not this: version_labels { key: "stable" value: 9 }
    model_platform: "tensorflow"
  }
  config {
    name: "senti}ment"  # a brace in a name
    base_path: '/models/sentiment'
    model_platform: "tensorflow"
    model_version_policy {
      specific {
        versions: 1
        versions: 2  # since May
      }
    }
    # What the clients ask for.
    version_labels {
      key: "stable"
      value: 1  # good
    }
    # end of sentiment
  }
}
# end
"""


def labelled(folder: Path, text: str, label: str, version: int) -> str:
    path = folder / "models.config"
    path.write_bytes(text.encode())
    while not label_version(path, "/models/sentiment", label, version).is_moved:
        pass
    return path.read_bytes().decode()


def test_an_existing_label_changes_in_place(tmp_path: Path) -> None:
    after = labelled(tmp_path, COMMENTED, "stable", 2)
    assert after == COMMENTED.replace("value: 1  # good", "value: 2  # good")


def test_a_new_label_and_version_stand_in_the_layout_of_the_file(tmp_path: Path) -> None:
    after = labelled(tmp_path, COMMENTED, "canary", 3)
    assert after == COMMENTED.replace(
        "        versions: 2  # since May\n",
        "        versions: 2  # since May\n        versions: 3\n",
    ).replace(
        "    # end of sentiment\n",
        '    version_labels {\n      key: "canary"\n      value: 3\n    }\n'
        "    # end of sentiment\n",
    )
    with_windows_line_ends = COMMENTED.replace("\n", "\r\n")
    assert labelled(tmp_path, with_windows_line_ends, "canary", 3) == after.replace("\n", "\r\n")


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("", 'version_labels { key: "new" value: 7 }'),
        (
            'version_labels { key: "a" value: 1 }\nversion_labels { key: "b" value: 2 }  # b\nX',
            'version_labels { key: "a" value: 1 }\nversion_labels { key: "b" value: 2 }  # b\n'
            'version_labels { key: "new" value: 7 }\nX',
        ),
        (
            'version_labels <key: "a", value: 1>; X',
            'version_labels <key: "a", value: 1>; version_labels { key: "new" value: 7 }; X',
        ),
        (
            'version_labels: [{key: "a"}, {key: "b"}] X',
            'version_labels: [{key: "a"}, {key: "b"}] version_labels { key: "new" value: 7 } X',
        ),
        (
            'version_labels { key: "n" "ew" value: 1 } X',
            'version_labels { key: "n" "ew" value: 7 } X',
        ),
        (
            "version_labels { value: 0 key: 'new' value: 5 } X",
            "version_labels { value: 0 key: 'new' value: 7 } X",
        ),
        ("version_labels { key: 'new' } X", "version_labels { key: 'new' value: 7 } X"),
        (
            "version_labels { key: 'new' value: 1 } version_labels { key: 'new' value: 2 } X",
            "version_labels { key: 'new' value: 7 } version_labels { key: 'new' value: 7 } X",
        ),
        (
            'P { specific { versions: [1, 2] } } version_labels { key: "new" value: 2 } X',
            'P { specific { versions: [1, 2, 7] } } version_labels { key: "new" value: 7 } X',
        ),
        (
            'P { specific { versions: 1 versions: 2 } } version_labels { key: "new" value: 2 } X',
            "P { specific { versions: 1 versions: 2 versions: 7 } }"
            ' version_labels { key: "new" value: 7 } X',
        ),
        (
            "P { specific {} } version_labels { key: 'new' } X",
            "P { specific { versions: 7 } } version_labels { key: 'new' value: 7 } X",
        ),
        (
            "P {\n\tspecific {  # none\n\t}\n} version_labels { key: 'new' } X",
            "P {\n\tspecific {  # none\n\t  versions: 7\n\t}\n} "
            "version_labels { key: 'new' value: 7 } X",
        ),
        (
            "P { specific { versions: [] } } version_labels { key: 'new' } X",
            "P { specific { versions: [] versions: 7 } } version_labels { key: 'new' value: 7 } X",
        ),
        (
            "P { latest { num_versions: 1 } } version_labels { key: 'new' } X",
            "P { latest { num_versions: 1 } } version_labels { key: 'new' value: 7 } X",
        ),
        ("P { all {} } version_labels { key: 'new' } X", None),
    ],
)
def test_many_layouts_are_kept(tmp_path: Path, before: str, after: str | None) -> None:
    def whole(body: str) -> str:
        body = body.replace("P {", "model_version_policy {").replace("X", "# x\n")
        return (
            "model_config_list { config { name: 'm' base_path: '/models/sentiment' "
            f"model_platform: 'tensorflow' {body} }} }}\n"
        )

    if after is None:
        after = before.replace("'new' }", "'new' value: 7 }")
    edited = labelled(tmp_path, whole(before), "new", 7)
    assert edited.split() == whole(after).split()
    if before:
        assert edited == whole(after)


def test_a_label_that_points_there_already_leaves_the_file_alone(tmp_path: Path) -> None:
    path = tmp_path / "models.config"
    path.write_text(COMMENTED)
    before = path.stat()
    assert label_version(path, "/models/sentiment", "stable", 1).model_name == "senti}ment"
    assert path.stat() == before


class ClumsyLabel(SetLabel):
    """A change that does not know how it is made in a text: edits or the error that it raises."""

    answer: list[Edit] | Exception

    def edits(self, text: str, block: Any, model: Any) -> list[Edit]:
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


@pytest.mark.parametrize(
    "answer",
    [UnknownSyntaxError("not understood"), IndexError(), [], [Edit(0, 0, "}")], [Edit(0, 0, "#")]],
)
def test_where_the_text_cannot_be_edited_the_right_config_is_written_anew(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, answer: list[Edit] | Exception
) -> None:
    path = tmp_path / "models.config"
    path.write_text(COMMENTED)
    change = ClumsyLabel("canary", 2)
    object.__setattr__(change, "answer", answer)
    edit = edited(path, served_from("/models/sentiment"), change)
    wanted = with_label(parse_models_config(COMMENTED), 1, "canary", 2)
    assert load_models_config(path) == edit.after.config == wanted
    assert WRITTEN_ANEW in caplog.text


def test_a_file_that_is_missing_is_made_with_one_model(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "configs" / "models.config"
    assert label_version(path, "models/sentiment/", "稳定", 3).model_name == "sentiment"
    assert path.read_text("utf-8").startswith("# ")
    done = label_version(path, tmp_path / "models" / "sentiment", "金丝雀", 4)
    assert done == Labelled("sentiment", True)
    assert all(label in path.read_text("utf-8") for label in ("稳定", "金丝雀"))
    [model] = load_models_config(path).model_config_list.config
    assert (model.name, model.base_path) == ("sentiment", str(tmp_path / "models/sentiment"))
    assert model.model_version_policy.WhichOneof("policy_choice") == "all"
    assert dict(model.version_labels) == {"稳定": 3, "金丝雀": 4}


def test_permissions_owner_and_a_link_survive(tmp_path: Path) -> None:
    path, link = tmp_path / "models.config", tmp_path / "link"
    path.write_text(COMMENTED)
    path.chmod(0o640)
    if os.geteuid() == 0:
        os.chown(path, 1234, 4321)
    before = path.stat()
    link.symlink_to(path)
    label_version(link, "/models/sentiment", "stable", 2)
    after = path.stat()
    assert (after.st_mode, after.st_uid, after.st_gid) == (
        before.st_mode,
        before.st_uid,
        before.st_gid,
    )
    assert link.is_symlink()
    assert sorted(tmp_path.iterdir()) == [link, path]


def models(*base_paths: str) -> Any:
    config = ModelServerConfig()
    for number, base_path in enumerate(base_paths):
        config.model_config_list.config.add(
            name=str(number), base_path=base_path, model_platform="tensorflow"
        )
    return config


def name_of(config: Any, base_path: str | Path) -> str | None:
    model = find_model(config, base_path)
    return None if model is None else str(model.name)


def test_a_model_is_found_by_its_folder_then_by_the_last_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    here = tmp_path / "models" / "sentiment"
    here.mkdir(parents=True)
    (tmp_path / "link").symlink_to(here)
    both = models("/models/sentiment", str(here))
    assert name_of(both, "models/sentiment") == "1"
    assert name_of(both, here / ".." / "sentiment") == "1"
    assert name_of(both, "link") == "1"
    assert name_of(models(f"{here}/"), here) == "0"
    assert name_of(models(str(tmp_path / "link")), here) == "0"
    assert name_of(models("/models/other", "/models/sentiment/"), here) == "1"
    assert name_of(models("/a/sentiment", "/b/sentiment"), here) is None
    assert name_of(models(str(here), str(here)), here) is None
    assert name_of(models("/models/sentiment2", "/sentiment/models"), here) is None
    assert name_of(models("/", "/a"), "/") == "0"
    assert name_of(models("/b/", "/a"), "/") is None


def test_named_versions_are_those_of_every_model_that_may_be_the_folder() -> None:
    config = models("/here/sentiment", "/models/sentiment", "/models/other", "/x/sentiment")
    first, second, other, last = config.model_config_list.config
    first.version_labels["stable"] = 1
    second.version_labels["canary"] = 2
    second.model_version_policy.specific.versions.extend([2, 5])
    other.version_labels["stable"] = 9
    last.model_version_policy.latest.num_versions = 8
    assert named_versions(config, "/here/sentiment") == {1, 2, 5}
    assert named_versions(config, "/models/other") == {9}
    assert named_versions(config, "/models/absent") == set()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("model_config_list {", ":1: Error parsing text-format .*: Expected"),
        (COMMENTED.replace("/models/other", "models"), "base_path must be absolute"),
        (
            COMMENTED.replace("/models/sentiment", "/models/mood"),
            r"must serve '/models/sentiment' as the base_path of one model.* Received: "
            r"model 'other' from '/models/other', model 'senti}ment' from '/models/mood'\.",
        ),
        (
            COMMENTED.replace("/models/other", "/models/sentiment/"),
            r"Received: model 'other' from '/models/sentiment/', model 'senti}ment'",
        ),
    ],
)
def test_a_file_that_breaks_a_rule_is_refused_and_stays(
    tmp_path: Path, text: str, message: str
) -> None:
    path = tmp_path / "models.config"
    path.write_text(text)
    with pytest.raises(ConfigError, match=message) as caught:
        label_version(path, "/models/sentiment", "stable", 2)
    assert str(caught.value).startswith(f"{path}:")
    assert "\n" not in str(caught.value)
    assert path.read_text() == text


def test_what_cannot_stand_in_a_config_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "models.config"
    for label, version in (("", 1), ("\udcff", 1), ("stable", -1), ("stable", 2**63)):
        with pytest.raises(InvalidInputError, match="Received: "):
            label_version(path, "/models/sentiment", label, version)
    with pytest.raises(ConfigError, match="name must not be empty"):
        label_version(path, "/", "stable", 1)
    with pytest.raises(ConfigError, match="base_path must be UTF-8 text"):
        label_version(path, "/models/\udcff", "stable", 1)
    assert not path.exists()


def test_a_file_that_cannot_be_written_is_one_clear_line_and_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*_: Any) -> None:
        raise PermissionError(13, "Permission denied")

    path = tmp_path / "models.config"
    path.write_text(COMMENTED)
    with pytest.raises(ConfigError, match=r"config/x/new: cannot be written: Not a directory\.$"):
        label_version(path / "x" / "new", "/models/sentiment", "stable", 1)
    with pytest.raises(ConfigError, match="cannot be read: Is a directory"):
        label_version(tmp_path, "/models/sentiment", "stable", 1)
    monkeypatch.setattr(os, "replace", refused)
    with pytest.raises(ConfigError, match=r"models\.config: cannot be written: Permission denied"):
        label_version(path, "/models/sentiment", "stable", 2)
    assert path.read_text() == COMMENTED
    assert list(tmp_path.iterdir()) == [path]


def odd_file(folder: Path, config: Any, random: Random) -> tuple[Path, list[str]]:
    path = folder / "odd" / "models.config"
    path.parent.mkdir(exist_ok=True)
    text, comments = written_oddly(config, random)
    path.write_bytes(text.encode())
    return path, comments


@settings(max_examples=25)
@given(configs(), NAME, VERSION, st.randoms(use_true_random=True))
def test_a_label_that_is_taken_away_again_leaves_the_config_as_it_was(
    tmp_path_factory: pytest.TempPathFactory,
    config: Any,
    label: str,
    version: int,
    random: Random,
) -> None:
    path, comments = odd_file(tmp_path_factory.getbasetemp(), config, random)
    models = config.model_config_list.config
    index = random.randrange(len(models))
    policy = models[index].model_version_policy
    had_it = label in models[index].version_labels
    if had_it:
        del models[index].version_labels[label]
    elif policy.HasField("specific") and policy.specific.versions:
        version = policy.specific.versions[0]
        edited(path, named(models[index].name), SetLabel(label, version))
    elif not policy.HasField("specific"):
        edited(path, named(models[index].name), SetLabel(label, version))
    else:
        return
    edit = edited(path, named(models[index].name), RemoveLabel(label))
    assert load_models_config(path) == config == edit.after.config
    if not had_it:  # else a comment inside it went with it
        assert [line for line in comments if line not in edit.after.text] == []


@settings(max_examples=25)
@given(
    configs(),
    st.one_of(
        st.builds(Latest, st.integers(1, 5)),
        st.just(All()),
        st.builds(Specific, st.frozensets(VERSION, min_size=1)),
    ),
    st.booleans(),
    st.randoms(use_true_random=True),
)
def test_exactly_the_version_policy_changes(
    tmp_path_factory: pytest.TempPathFactory,
    config: Any,
    policy: Any,
    keep_some: bool,
    random: Random,
) -> None:
    path, _ = odd_file(tmp_path_factory.getbasetemp(), config, random)
    models = config.model_config_list.config
    index = random.randrange(len(models))
    before = models[index].model_version_policy.specific.versions
    if keep_some and before and isinstance(policy, Specific):
        some = random.sample(list(before), random.randint(1, len(before)))
        policy = Specific(policy.versions | {*some} if random.random() < 0.5 else frozenset(some))
    edit = edited(path, named(models[index].name), SetVersionPolicy(policy))
    assert edit.after.text.startswith("# on top")
    after = load_models_config(path)
    changed = after.model_config_list.config[index].model_version_policy
    match policy:
        case Specific(versions):
            assert {*changed.specific.versions} == versions
        case All():
            assert changed.HasField("all")
        case Latest(num_versions):
            assert changed.latest.num_versions == num_versions
    changed.CopyFrom(models[index].model_version_policy)
    if not models[index].HasField("model_version_policy"):
        after.model_config_list.config[index].ClearField("model_version_policy")
    assert after == config


def unlabelled(folder: Path, text: str, label: str) -> str:
    path = folder / "models.config"
    path.write_bytes(text.encode())
    edited(path, served_from("/models/sentiment"), RemoveLabel(label))
    return path.read_bytes().decode()


@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_a_label_goes_with_its_lines_and_no_others(tmp_path: Path, newline: str) -> None:
    text = COMMENTED.replace("\n", newline)
    entry = '    version_labels {\n      key: "stable"\n      value: 1  # good\n    }\n'
    assert unlabelled(tmp_path, text, "stable") == text.replace(entry.replace("\n", newline), "")


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ('version_labels { key: "x" value: 1 }  # why\nX', "  # why\nX"),
        ('version_labels <key: "x", value: 1>; X', " X"),
        ('version_labels { key: "x" } version_labels { key: "x" value: 2 } X', "  X"),
        ('version_labels: [{key: "x"}] X', " X"),
        ('version_labels: [{key: "x"}, {key: "b"}] X', 'version_labels: [{key: "b"}] X'),
        ('version_labels: [{key: "b"}, {key: "x"}] X', 'version_labels: [{key: "b"}] X'),
        (
            'version_labels: [{key: "x"}, {key: "x"}, {key: "b"}, {key: "x"}, {key: "x"}] X',
            'version_labels: [{key: "b"}] X',
        ),
        (
            'version_labels: [{key: "b"}  # b, really\n, {key: "x"}] X',
            'version_labels: [{key: "b"}  # b, really\n ] X',
        ),
    ],
)
def test_a_label_goes_in_many_layouts(tmp_path: Path, before: str, after: str) -> None:
    def whole(body: str) -> str:
        body = body.replace("X", "# x\n")
        return (
            "model_config_list { config { name: 'm' base_path: '/models/sentiment' "
            f"model_platform: 'tensorflow' {body} }} }}\n"
        )

    assert unlabelled(tmp_path, whole(before), "x") == whole(after)


@pytest.mark.parametrize(
    ("before", "policy", "after"),
    [
        (
            "specific {\n  versions: 1\n  versions: 2  # since May\n}",
            Specific(frozenset({1, 3})),
            "specific {\n  versions: 1\n  # since May\n  versions: 3\n}",
        ),
        (
            "specific { versions: [1, 0x2] }",
            Specific(frozenset({2})),
            "specific { versions: [0x2] }",
        ),
        ("specific { versions: 1 }", Specific(frozenset({4})), "specific {  versions: 4 }"),
        ("latest { num_versions: 2 }  # two", All(), "all { }  # two"),
        ("# none", Latest(2), "{ latest { num_versions: 2 } }"),
    ],
)
def test_a_version_policy_changes_in_its_layout(
    tmp_path: Path, before: str, policy: Any, after: str
) -> None:
    path = tmp_path / "models.config"

    def whole(body: str) -> str:
        body = body if body.startswith("{") else f"{{\n{body}\n}}"
        return COMMENTED.replace(
            COMMENTED[COMMENTED.index("policy {") + 7 : COMMENTED.index("    # What")], f"{body}\n"
        )

    path.write_text(whole(before))
    edited(path, named("senti}ment"), SetVersionPolicy(policy))
    assert path.read_text() == whole(after)


def test_a_version_policy_is_added_where_there_is_none(tmp_path: Path) -> None:
    path = tmp_path / "models.config"
    path.write_text(COMMENTED)
    change = SetVersionPolicy(Specific(frozenset({4, 3})))
    assert edited(path, served_from("other"), change).model_name == "other"
    assert path.read_text() == COMMENTED.replace(
        'model_platform: "tensorflow"\n',
        'model_platform: "tensorflow"\n    model_version_policy {\n'
        "      specific { versions: 3 versions: 4 }\n    }\n",
        1,
    )


def test_a_model_is_chosen_by_its_name(tmp_path: Path) -> None:
    path = tmp_path / "models.config"
    path.write_text(COMMENTED)
    edited(path, served_from("senti}ment"), RemoveLabel("stable"))
    assert dict(load_models_config(path).model_config_list.config[1].version_labels) == {}
    for name, message in (
        (None, r"must be named\. Received: 'other', 'senti}ment'\."),
        ("mood", "must be there. Received: model 'mood', and there are 'other', 'senti}ment'"),
    ):
        with pytest.raises(ConfigError, match=message):
            edited(path, named(name), SetVersionPolicy(All()))
    path.write_text(str(models("/models/only")))
    assert edited(path, named(None), SetVersionPolicy(All())).model_name == "0"


def test_what_is_not_there_or_cannot_be_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "models.config"
    path.write_text(COMMENTED)
    with pytest.raises(InvalidInputError, match=r"model 'senti}ment': 'stable'\. Received"):
        edited(path, served_from("/models/sentiment"), RemoveLabel("canary"))
    with pytest.raises(InvalidInputError, match="'other': none"):
        edited(path, served_from("/models/other"), RemoveLabel("canary"))
    for versions in (frozenset[int](), frozenset({-1}), frozenset({2**63})):
        with pytest.raises(InvalidInputError, match="Received"):
            SetVersionPolicy(Specific(versions))
    with pytest.raises(InvalidInputError, match="num_versions"):
        SetVersionPolicy(Latest(0))
    with pytest.raises(ConfigError, match="cannot be read"):
        edited(
            tmp_path / "absent" / "models.config",
            served_from("/models/sentiment"),
            RemoveLabel("canary"),
        )
    assert path.read_text() == COMMENTED


def test_a_file_is_parsed_again_only_where_it_changed(tmp_path: Path) -> None:
    path = tmp_path / "models.config"
    path.write_text(COMMENTED)
    file = read_config(path)
    assert read_config(path, file) is file
    edit = edited(path, named("other"), SetVersionPolicy(All()))
    assert (edit.before.text, edit.after.text) == (COMMENTED, path.read_text())
    assert read_config(path, file).config == edit.after.config == load_models_config(path)
    assert edited(path, named("other"), SetVersionPolicy(All())).after.text == edit.after.text


def test_an_edit_can_be_undone_unless_another_came_after_it(tmp_path: Path) -> None:
    path = tmp_path / "models.config"
    path.write_text(COMMENTED)
    edit = edited(path, named("other"), SetVersionPolicy(All()))
    assert put_back(edit)
    assert path.read_text() == COMMENTED
    edit = edited(path, named("other"), SetVersionPolicy(All()))
    label_version(path, "/models/other", "stable", 1)
    after = path.read_text()
    assert not put_back(edit)
    assert path.read_text() == after


def test_no_change_is_lost_where_many_are_made_at_once(tmp_path: Path) -> None:
    path = tmp_path / "models.config"
    path.write_text(COMMENTED)
    with ThreadPoolExecutor(8) as threads:
        for number in range(40):
            threads.submit(label_version, path, "/models/other", f"label{number}", number)
    labels = load_models_config(path).model_config_list.config[0].version_labels
    assert dict(labels) == {f"label{number}": number for number in range(40)}
