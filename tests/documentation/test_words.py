"""Pages explain ten words at their first use, in short sentences without private metaphors."""

import inspect
import re
from collections.abc import Iterator
from typing import Any

import pytest

import lstm_sentiment
from lstm_sentiment.cli.app import command_line
from tests.documentation.pages import page_names, page_text, without_blocks

_CHINESE = ".zh-CN.md"
_MOST_WORDS = 40
_CODE = "Code"
_SENTENCE_END = re.compile(r"(?<=[.!?:;])[)\"*]*\s+|(?<=\|)\s")
_WORD = re.compile(r"[^\W\d_][\w'./%-]*|\d[\d.,%]*")
_LINK_TARGET = re.compile(r"\]\([^)]*\)|<[^>]+>|https?://\S+")
_HEADING = re.compile(r"^ *#")
_NEW_PART = re.compile(r"^ *(?:[-*|]|\d+\.) ?")

# Each word, a pattern of which its explanation holds at least one, and an explanation to take.
WORDS = {
    r"\bservables?\b": (
        r"one model|model.{0,30}TensorFlow Serving|version of a model|versioned model",
        "a servable (one model as TensorFlow Serving names it)",
    ),
    r"\bdev\b": (
        r"held out|stops?\b|choos|chosen|decide|tune",
        "the dev set (texts held out of training, which decide when it stops)",
    ),
    r"\bOOV\b": (
        r"unknown|vocabulary",
        "OOV (out of vocabulary: words that the model does not know)",
    ),
    r"\b[Mm]acro[- ]F1\b": (
        r"(?:mean|average|averaged)\b.*\bclass|class.*\bweigh",
        "macro-F1 (the mean of the classes' F1 scores, so each class weighs the same)",
    ),
    r"\b[Cc]alibrat\w+|\b[Uu]ncalibrated\b": (
        r"probabilit.*(?:right|correct|match|often|trust|reliab)|0\.9",
        "calibration (whether answers with a probability of 0.9 are right 90 % of the time)",
    ),
    r"\b[Tt]okeni[sz]ers?\b": (
        r"\b(?:cut|split|divide|segment|turn)\w*\b.*\b(?:words?|tokens?|ids?)\b",
        "a tokenizer (it splits a text into words)",
    ),
    r"\b[Ss]ignatures?\b": (
        r"\bnamed?\b.*(?:input|function|entry)|(?:function|entry|input)\w*\b.*\bnamed?\b",
        "a signature (a named function of the model, with its inputs and outputs)",
    ),
    r"\b[Ss]hadow\w*": (
        r"\bcop(?:y|ies)\b|both versions|second version|also sen[dt]",
        "a shadow version (it gets copies of the requests; callers never see its answers)",
    ),
    r"\b[Bb]ase paths?\b": (
        r"\bfolders?\b|\bdirector(?:y|ies)\b",
        "the base path (the folder that holds a model's versions)",
    ),
    r"\b[Dd]rain(?:s|ed|ing)?\b": (
        r"finish|complete|running requests",
        "drain (finish running requests before shutting down)",
    ),
}
CHINESE_WORDS = {
    r"[Ss]ervable": (r"模型", "servable（TensorFlow Serving 对一个模型的称呼）"),
    r"(?<![A-Za-z])dev(?![A-Za-z0-9])|验证集|开发集": (
        r"早停|停止|选择|挑选|调参",
        "验证集（用于决定何时停止训练）",
    ),
    r"OOV|未登录词": (r"词表|词汇表|未知", "OOV（不在词表中的词）"),
    r"[Mm]acro[- ]F1|宏平均": (r"类别?.*平均|平均.*类", "macro-F1（各类别 F1 的平均值）"),
    r"校准": (r"概率|置信", "校准（预测概率与实际正确率是否一致）"),
    r"[Tt]okenizer|分词器": (r"切分|切成|拆分|切词|分词器（", "分词器（把文本切分成词）"),
    r"[Ss]ignature|签名": (r"输入|接口|函数|入口", "签名（模型对外的命名接口，规定输入和输出）"),
    r"影子": (r"复制|同时|副本|两个版本", "影子流量（把请求复制一份发给新版本，不影响调用方）"),
    r"[Bb]ase path|基础路径|根路径": (r"目录|文件夹", "base path（存放各版本的目录）"),
    r"[Dd]rain|排空": (r"处理完|完成", "排空（处理完正在执行的请求再退出）"),
}

METAPHORS = {
    r"\bwires?\b": "over the network, in the message",
    r"\brooms?\b": "part, module; space on a disk",
    r"\b(?:along|on|by) the way\b|\bunder way\b|\bone way through\b": "in the meantime, running",
    r"\bluck(?:y|ily)?\b": "chance",
    r"\bmerits?\b": "which one is better",
    r"\bat hand\b|\b(?:in|from|into) (?:good |other )?hands?\b": "available",
    r"\beyes?\b": "look at",
    r"\b(?:says|tells|hears|asks)\b|\bspeaks\b(?! against)": "shows, reports, returns, requests",
    r"\b(?:is|are|was|were|be|been) (?:told|asked|said|heard)\b": "shown, reported, queried",
    r"\basked of\b|\bspeaks? for\b": "requested; supports",
    r"\bthose that\b": "a noun: the texts that",
    r"\bso is thus\b|\bwhat there is\b": "a subject and a verb",
}
CHINESE_METAPHORS = {
    r"房间(?!很|干|不|里|太|小|大|非|的|[，。\"“”`])": "模块",
    r"联网调用": "通过网络调用",
}


def pages() -> list[str]:
    """Every page of docs/, and every README."""
    return [name for name in page_names() if name.startswith("docs/") or "README" in name]


def parts(page: str) -> Iterator[str]:
    """The paragraphs, list items and rows of tables of a page, without headings and code."""
    text = _LINK_TARGET.sub("]", without_blocks(page, _CODE))
    waiting: list[str] = []
    for line in [*text.splitlines(), ""]:
        heading = _HEADING.match(line) is not None
        if waiting and (not line.strip() or heading or _NEW_PART.match(line)):
            yield " ".join(waiting)
            waiting = []
        if line.strip() and not heading:
            waiting.append(line.strip())


def unexplained(page: str, *, chinese: bool) -> Iterator[str]:
    """The words that a page uses before a part of it explains them."""
    for word, (explanation, example) in (CHINESE_WORDS if chinese else WORDS).items():
        first = next((part for part in parts(page) if re.search(word, part)), None)
        if first is not None and not re.search(explanation, re.sub(word, "", first, count=1)):
            yield f"{example}: {first}"


def metaphors(page: str, *, chinese: bool) -> Iterator[str]:
    """The private metaphors of a page, each with what to write instead."""
    for wrong, better in (CHINESE_METAPHORS if chinese else METAPHORS).items():
        for part in parts(page):
            if found := re.search(wrong, part):
                yield f"{found[0]} -> {better}: {part}"


def long_sentences(page: str) -> Iterator[str]:
    """The sentences of an English page, or parts at a colon or semicolon, that are too long."""
    for part in parts(page):
        for sentence in _SENTENCE_END.split(part):
            if (words := len(_WORD.findall(sentence))) > _MOST_WORDS:
                yield f"{words} words: {sentence}"


def problems(name: str) -> list[str]:
    chinese, page = name.endswith(_CHINESE), page_text(name)
    found = [*unexplained(page, chinese=chinese), *metaphors(page, chinese=chinese)]
    return found if chinese else [*found, *long_sentences(page)]


@pytest.mark.parametrize("name", pages())
def test_words_are_explained_and_plain(name: str) -> None:
    assert problems(name) == []


def public_docstrings() -> Iterator[tuple[str, str]]:
    """The docstrings of the public names and of their methods, as the reference shows them."""
    for name in lstm_sentiment.__all__:
        value = getattr(lstm_sentiment, name)
        members = vars(value).items() if inspect.isclass(value) else ()
        public = [(f"{name}.{key}", member) for key, member in members if not key.startswith("_")]
        for place, documented in [(name, value), *public]:
            if callable(documented) or isinstance(documented, property | classmethod):
                yield place, documented.__doc__ or ""


def test_public_docstrings_are_plain() -> None:
    found = {
        place: [*metaphors(inspect.cleandoc(docstring), chinese=False)]
        for place, docstring in public_docstrings()
    }
    assert {"TrainingConfig", "ModelServer.stop"} <= found.keys()
    assert {place: wrong for place, wrong in found.items() if wrong} == {}


def help_texts(command: Any, name: str = "") -> Iterator[tuple[str, str]]:
    """The help of a command, of its flags and of the commands below it, each with its place."""
    yield name, command.help or ""
    for parameter in command.params:
        yield f"{name} {parameter.opts[-1]}", getattr(parameter, "help", None) or ""
    for key, inner in getattr(command, "commands", {}).items():
        yield from help_texts(inner, f"{name} {key}".strip())


def test_help_is_plain() -> None:
    found = {place: [*metaphors(text, chinese=False)] for place, text in help_texts(command_line())}
    assert {"fit --data", "models promote"} <= found.keys()
    assert {place: wrong for place, wrong in found.items() if wrong} == {}


def test_a_word_is_explained_where_it_is_first_used() -> None:
    late = "# Drain\n\nServers drain.\n\nTo drain is to finish running requests.\n"
    assert len([*unexplained(late, chinese=False)]) == 1
    assert not [*unexplained("# Drain\n\nServers drain: they finish.\n", chinese=False)]
    assert not [*unexplained("Give `--drain-seconds`.\n\n```sh\ndrain\n```\n", chinese=False)]
    assert len([*unexplained("影子流量。dev集。\n", chinese=True)]) == 2


def test_a_long_sentence_is_found() -> None:
    words = "word " * 25
    assert len([*long_sentences(f"{words}\n{words}.\n")]) == 1
    assert not [*long_sentences(f"{words}: {words}. {words}.\n\n- {words}\n- {words}\n")]


def test_a_metaphor_is_found() -> None:
    assert len([*metaphors("The server\nis asked, over the wire.\n", chinese=False)]) == 2
    assert not [*metaphors("See [parts](rooms.svg), `says`.\n", chinese=False)]
