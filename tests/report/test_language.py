"""Which language a report has, and that every sentence has a translation."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import lstm_sentiment.report
from lstm_sentiment.display_names import NO_NAMES, as_display_names
from lstm_sentiment.report.chinese import CHINESE
from lstm_sentiment.report.language import ENGLISH, Wording, choose_language

REPORT = Path(lstm_sentiment.report.__file__).parent
BOTH = as_display_names({"0": {"en": "poor", "zh": "差评"}})


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({}, "en"),
        ({"LANG": "zh_CN.UTF-8"}, "zh"),
        ({"LANG": "zh_TW.Big5", "LC_MESSAGES": ""}, "zh"),
        ({"LANG": "zh_CN.UTF-8", "LC_ALL": "en_US.UTF-8"}, "en"),
        ({"LANG": "en_US.UTF-8", "LC_MESSAGES": "zh_CN.UTF-8"}, "zh"),
        ({"LANG": "C.UTF-8"}, "en"),
    ],
)
def test_the_locale_chooses_the_language(environment: dict[str, str], expected: str) -> None:
    assert choose_language(["0", "1"], NO_NAMES, environment) == expected
    assert choose_language(["0", "1"], BOTH, environment) == expected


def test_chinese_labels_choose_chinese() -> None:
    english = {"LANG": "en_US.UTF-8"}
    assert choose_language(["差评", "好评"], NO_NAMES, english) == "zh"
    only_chinese = as_display_names({"0": {"zh": "差评"}})
    assert choose_language(["0", "1"], only_chinese, english) == "zh"
    as_they_are = as_display_names({"bad": {"en": "bad", "zh": "差评"}})
    assert choose_language(["bad", "good"], as_they_are, english) == "en"
    translated = as_display_names({"差评": {"en": "poor"}, "好评": {"en": "good"}})
    assert choose_language(["差评", "好评"], translated, english) == "en"


def test_numbers_have_their_noun() -> None:
    assert ENGLISH.counted(1, "class") == "1 class"
    assert ENGLISH.counted(2, "class") == "2 classes"
    assert ENGLISH.counted(2000, "text") == "2,000 texts"
    assert Wording("zh").counted(2000, "text") == "2,000 条文本"


def sentences() -> Iterator[str]:
    """The first arguments of `w(...)` and `h(...)` in the modules and the template."""
    jinja2 = pytest.importorskip("jinja2", reason="needs the extra `report`")
    for path in REPORT.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            is_call = isinstance(node, ast.Call) and getattr(node.func, "id", "") == "w"
            first = node.args[0] if is_call and node.args else None  # type: ignore[attr-defined]
            if isinstance(first, ast.Constant):
                yield str(first.value)
    for path in REPORT.rglob("*.jinja"):
        tree = jinja2.Environment().parse(path.read_text("utf-8"))
        for call in tree.find_all(jinja2.nodes.Call):
            is_sentence = getattr(call.node, "name", "") in ("w", "h")
            if is_sentence and isinstance(call.args[0], jinja2.nodes.Const):
                yield str(call.args[0].value)


def test_every_sentence_is_in_both_languages() -> None:
    used = set(sentences())
    assert len(used) > 100
    assert not used - CHINESE.keys()


def test_no_translation_is_left_over() -> None:
    sources = [*REPORT.rglob("*.py"), *REPORT.rglob("*.jinja")]
    written = {
        node.value
        for path in REPORT.rglob("*.py")
        if path.name != "chinese.py"
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }
    # Words of a version's card, which come from its file.
    of_cards = {"train", "test", "teacher", "corrections", "epochs", "batch size"}
    of_cards |= {"learning rate", "seed", "macro f1", "accuracy"}
    assert sources and not CHINESE.keys() - written - of_cards - set(sentences())


def test_translations_take_the_same_values() -> None:
    for english, chinese in CHINESE.items():
        fields = [sorted(re.findall(r"\{(\w+)(?::[^}]*)?\}", each)) for each in (english, chinese)]
        assert set(fields[0]) == set(fields[1]), english
        assert re.search("[\u4e00-\u9fff]", chinese), english
