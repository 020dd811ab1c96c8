"""Records how C++ reads generated texts in protobuf text format: by `protoc --encode`.

    python -m tests.models_config.record_text_format

Writes `text_format_truths.jsonl`, which `test_text_parser` holds our parser against: a text, its
message, and what C++ makes of it: the message in hexadecimal numbers, or its first error. Needs
grpcio-tools, whose `protoc` has the parser that stock TensorFlow Serving is built with.
"""

import json
import os
import random
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

TRUTHS = Path(__file__).with_name("text_format_truths.jsonl")
_ROOT = Path(__file__).parents[2]
_PROTO = "lstm_sentiment/protocol/model_server_config.proto"
_SEED, _SOUPS, _MUTATIONS = 23, 300, 700

SERVER, MODEL, BATCHING = "ModelServerConfig", "ModelConfig", "BatchingParameters"
LOGGING, SSL, MONITORING = "LoggingConfig", "SSLConfig", "MonitoringConfig"

INTEGERS = [
    *("0", "1", "-1", "- 1", "-\n1", "- # a comment\n 1", "+5", "1_000", "1 000", "1,", "--1"),
    *("0x1F", "0X1f", "0x", "0xg", "-0x10", "017", "-017", "08", "00", "007", "0b1", "0o7"),
    *("1.0", "1.", ".5", "1e3", "1f", "1F", "0f", "1e", "1e+", "1.2.3", "0x1.", "00.5", "1L"),
    *("9223372036854775807", "9223372036854775808", "-9223372036854775808"),
    *("-9223372036854775809", "18446744073709551615", "18446744073709551616", "9" * 40),
    *("4294967295", "4294967296", "2147483647", "2147483648", "-2147483648", "0x7fffffffffffffff"),
    *("inf", "nan", "true", "'1'", "{}", "", "\u0661", "1\u00a0", "1\u3000", "1#c", "1;", "1;;"),
]
REALS = [
    *INTEGERS,
    *("-inf", "Infinity", "-nan", "INF", "inff", "- inf", "1.5e-3f", "1e400", "-1.5", "-.5"),
]
BOOLS = [
    *("true", "false", "True", "False", "TRUE", "t", "f", "T", "0", "1", "2", "00", "01", "0x1"),
    *("0x0", "-0", "1.0", "yes", "on", "'true'", "", "true,", "true;", "true ;", "true,;"),
]
STRINGS = [
    *("''", '""', "'a'", '"a"', "'a' 'b'", "'a'\"b\"", "'a'\n# c\n'b'", "'a'b", "'a", "a", "'a\"'"),
    *("'\n'", "'\t'", "'\x01'", "'\x7f'", "'\\n'", "'\\?'", "'\\''", '"\\""', "'\\\\'", "'\\q'"),
    *("'\\a\\b\\f\\n\\r\\t\\v'", "'\\e'", "'\\0'", "'\\1'", "'\\101'", "'\\1012'", "'\\400'"),
    *("'\\8'", "'\\x'", "'\\x4'", "'\\x41'", "'\\X41'", "'\\x412'", "'\\xe5\\xa5\\xbd'", "'\\xff'"),
    *("'\\u597d'", "'\\U0001f44d'", "'\\u59'", "'\\U00110000'", "'\\U001fffff'", "'\\U01000000'"),
    *("'\\ud83d\\udc4d'", "'\\ud83d'", "'\\udc4d'", "'\\ud83dx'", "'\\ud83d\\u0041'", "'\\u0000'"),
    *("'\\345\\245\\275'", "'\u597d'", "'\U0001f44d'", "'\\\n'", "'a\\", "'#'", "'//'", "'%s'"),
    *("5", "true", "{}", "['a']", "['a', 'b']", "b'a'", "r'a'", "'a' + 'b'", "'a','b'", "`a`"),
]
ENUMS = [
    *("TENSORFLOW", "tensorflow", "OTHER", "1", "2", "3", "-1", "- 1", "0x1", "1.0", "'OTHER'"),
    *("2147483648", "-2147483648", "", "OTHER;"),
]
LISTS = [
    *("[]", "[1]", "[1, 2]", "[1 2]", "[1,]", "[,1]", "[1, 2", "1", "[0x1, 017, - 3]", "[[1]]"),
    *("[1];", "[1],", "[ # c\n1 ]", "[1.0]", "['1']", "[1]\nversions: 2", "1 versions: [2, 3]"),
]
WHOLE = [
    *("", " ", "#", "# c", "# c\n", "\n\n", "\ufeff", "\u00a0", "\x00", "\x01", "\x1b[0m", "/"),
    *("a", "a:", ":", "{", "}", "<", ">", "[", "]", ",", ";", "1", "'a'", "//c", "\u597d: 1"),
    *("Model_Config_List {}", "modelConfigList {}", "1 {}", "unknown: 1", "unknown {}"),
    *("[a.b] {}", "[type.googleapis.com/a.B] {}", "custom_model_config { value: '\\xff' }"),
    *("LIST", "LIST {}", "LIST: {}", "LIST <>", "LIST {>", "LIST {};", "LIST {},", "LIST {};;"),
    *("LIST {} {}", "LIST {} LIST {}", "LIST {} custom_model_config {}", "LIST# c\n{}"),
    *("LIST { config {} config {} }", "LIST { config [{}, {}] }", "LIST: [{}]"),
    *("LIST { config: [{}, <>,] }", "LIST { config: [] }", "LIST { config [ {} {} ] }"),
    *("LIST { unknown: 1 }", "LIST { config { 5: 1 } }", "LIST\u3000{}", "LIST {\r\n}\r\n"),
    *("LIST { config { name: 'a' name: 'b' } }", "LIST { config { name: '' name: 'b' } }"),
    *("LIST { config { name : 'a' base_path\n:\n'b' } }", "LIST\f{\v}", "LIST { config }"),
    *("LIST { config { name 'a' } }", "LIST { config { name = 'a' } }"),
    *("LIST { config { model_version_policy { latest {} all {} } } }",),
    *("LIST { config { model_version_policy { all {} all {} } } }",),
    *("LIST { config { model_version_policy {} model_version_policy {} } }",),
]
ENTRIES = [
    *("", "key: 'a'", "value: 1", "key: 'a' value: 1", "key: 'a' key: 'b'", "value: 1, key: 'a';"),
    *(
        "key: 'a' value: 1 } version_labels { key: 'a' value: 2",
        "key: '' key: 'a'",
        "a: 1",
        "key: 1",
    ),
]


def texts() -> Iterator[tuple[str, str]]:
    """Yields each text once, with the name of its message."""
    found: dict[tuple[str, str], None] = {}
    for name, text in _chosen():
        found.setdefault((name, text))
    draw = random.Random(_SEED)
    for name, text in draw.choices([*found], k=_MUTATIONS):
        found.setdefault((name, _mutated(draw, text)))
    for _ in range(_SOUPS):
        found.setdefault((SERVER, _soup(draw)))
    yield from found


def _chosen() -> Iterator[tuple[str, str]]:
    yield from ((SERVER, text.replace("LIST", "model_config_list")) for text in WHOLE)
    for text in STRINGS:
        yield MODEL, f"name: {text}"
        yield MODEL, f"base_path: {text} name: 'b'"
    for text in ENUMS:
        yield MODEL, f"model_type: {text}"
    for text in INTEGERS:
        yield MODEL, f"model_version_policy {{ specific {{ versions: {text} }} }}"
        yield MODEL, f"model_version_policy {{ latest {{ num_versions: {text} }} }}"
        yield BATCHING, f"max_batch_size {{ value: {text} }} allowed_batch_sizes: {text}"
        yield LOGGING, f"sampling_config {{ attributes: {text} }}"
    for text in LISTS:
        yield MODEL, f"model_version_policy {{ specific {{ versions: {text} }} }}"
        yield BATCHING, f"allowed_batch_sizes: {text}"
    for text in ENTRIES:
        yield MODEL, f"version_labels {{ {text} }}"
    for text in BOOLS:
        yield BATCHING, f"enable_large_batch_splitting <value: {text}>"
        yield BATCHING, f"pad_variable_length_inputs: {text} allowed_batch_sizes: 1"
        yield MONITORING, f"prometheus_config {{ enable: {text}, path: '/m' }}"
        yield SSL, f"client_verify: {text}"
    for text in REALS:
        yield LOGGING, f"sampling_config {{ sampling_rate: {text} }}"


def _mutated(draw: random.Random, text: str) -> str:
    """Returns the text with a few characters left out, doubled or put in."""
    for _ in range(draw.randint(1, 2)):
        at = draw.randint(0, len(text))
        put = draw.choice([*" \n\t'\"\\{}<>[]:;,#-+._0x1eu", "", "", text[at : at + 3]])
        text = text[:at] + put + text[at + draw.randint(0, 1) :]
    return text


def _soup(draw: random.Random) -> str:
    words = ["model_config_list", "config", "name", "base_path", "version_labels", "key", "value"]
    words += [
        "{",
        "{",
        "}",
        "}",
        ":",
        "<",
        ">",
        ",",
        ";",
        "'a'",
        '"b"',
        "1",
        "-",
        "[",
        "]",
        "# c\n",
    ]
    return draw.choice(["", " "]).join(draw.choices(words, k=draw.randint(1, 12)))


def truth(name: str, text: str) -> dict[str, str]:
    """Returns what C++ makes of a text, in a process of its own: it reads standard input."""
    protoc: Any = import_module("grpc_tools.protoc")
    (read, write), (told, tells), (given, gives) = os.pipe(), os.pipe(), os.pipe()
    child = os.fork()
    if child == 0:
        for end, standard in ((read, 0), (gives, 1), (tells, 2)):
            os.dup2(end, standard)
        for end in (read, write, told, tells, given, gives):
            os.close(end)
        include = Path(protoc.__file__).parent / "_proto"
        encode = f"--encode=tensorflow.serving.{name}"
        os._exit(protoc.main(["protoc", f"-I{_ROOT}", f"-I{include}", encode, _PROTO]))
    for end in (read, tells, gives):
        os.close(end)
    with os.fdopen(write, "wb") as file:
        file.write(text.encode())
    with os.fdopen(given, "rb") as output, os.fdopen(told, "rb") as errors:
        encoded, said = output.read(), errors.read().decode("utf-8", "replace")
    _, status = os.waitpid(child, 0)
    if os.waitstatus_to_exitcode(status) == 0:
        return {"encoded": encoded.hex()}
    return {"error": said.splitlines()[0].removeprefix("input:")}


def main() -> None:
    """Writes all truths."""
    found = [{"message": name, "text": text, **truth(name, text)} for name, text in texts()]
    TRUTHS.write_text("".join(f"{json.dumps(each)}\n" for each in found), "utf-8")
    print(f"{len(found):,} texts, {sum('error' in each for each in found):,} of them refused")


if __name__ == "__main__":
    main()
