"""The reference pages hold every command, every path of REST and every public name."""

import runpy
from typing import Any

import pytest

import lstm_sentiment
from lstm_sentiment.serving.rest_api.routing.openapi import openapi_document
from lstm_sentiment.serving.rest_api.routing.table import METRICS, routes_of
from tests.conftest import REPOSITORY
from tests.documentation.pages import EXAMPLES, all_blocks, blocks_of


@pytest.fixture(scope="module")
def script() -> dict[str, Any]:
    """The names of the script that writes the pages."""
    return runpy.run_path(str(REPOSITORY / "docs" / "make_reference.py"))


@pytest.fixture(scope="module")
def made(script: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The pages by name."""
    folder = tmp_path_factory.mktemp("site") / "reference"
    script["main"](folder)
    return {path.stem: path.read_text("utf-8") for path in folder.iterdir()}


@pytest.mark.parametrize(
    ("page", "first"),
    [
        ("training", "fit"),
        ("text", "read_corpus"),
        ("versions", "export_servable"),
        ("serving", "ModelServer"),
        ("clients", "PredictClient"),
        ("errors", "LstmSentimentError"),
    ],
)
def test_pages_of_names_begin_with_an_example_and_the_most_used(
    made: dict[str, str], page: str, first: str
) -> None:
    before, _, after = made[f"python-{page}"].partition("\n::: ")
    assert after.partition("\n")[0].endswith(f".{first}")
    [example] = [*blocks_of(before, page)]
    assert example.language == "python"
    # The tests run the file of the example, which has marks besides.
    [run] = [block for block in all_blocks() if block.page == f"{EXAMPLES}python-{page}.md"]
    assert run.text == example.text


def test_a_name_in_no_group_follows_and_an_unknown_one_is_an_error(script: dict[str, Any]) -> None:
    groups = script["grouped"]({"First": ["b"]}, ["a", "b"])
    assert [*groups.items()] == [("First", ["b"]), ("More", ["a"])]
    with pytest.raises(ValueError, match="wrong_name"):
        script["grouped"]({"First": ["wrong_name"]}, ["a"])


def test_every_public_name_is_on_one_page(made: dict[str, str]) -> None:
    shown = [
        line.rsplit(".", 1)[1]
        for text in made.values()
        for line in text.splitlines()
        if line.startswith(":::")
    ]
    assert sorted(shown) == sorted({*lstm_sentiment.__all__} - {"__version__"})


def test_every_page_is_in_the_menu(made: dict[str, str]) -> None:
    menu = (REPOSITORY / "zensical.toml").read_text("utf-8")
    assert all(f'"reference/{name}.md"' in menu for name in made)
    assert menu.count('"reference/') == len(made)


@pytest.mark.parametrize(
    ("command", "flag", "default"),
    [
        ("fit", "--epochs N|auto", "auto"),
        ("models rollback", "--version-label, --label L", ""),
        ("serve", "--port PORT", "8500"),
        ("fit", "[FILE...]", ""),
        ("fit", "--check", ""),
        ("vectors train", "--output PATH", "required"),
    ],
)
def test_commands_are_there_with_their_flags(
    made: dict[str, str], command: str, flag: str, default: str
) -> None:
    section = made["command-line"].split(f"\n## {command}\n")[1].split("\n## ")[0]
    row = next(line for line in section.splitlines() if line.startswith(f"| `{flag}` |"))
    assert row.split(" | ")[-1].rstrip(" |") == default
    assert f"```text\nlstm-sentiment {command} " in section
    assert "python cli.py" not in section


def test_every_operation_of_rest_is_there_with_its_statuses(made: dict[str, str]) -> None:
    routes = routes_of(metrics_path=METRICS.template, state=True, ui=True)
    document = openapi_document(routes, with_tokens=True)
    parts = [part.partition("\n") for part in made["rest-api"].split("\n### ")]
    sections = {title.partition(" {")[0]: text for title, _, text in parts}
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            section = sections[f"`{method.upper()} {path}`".partition(" {")[0]].split("\n## ")[0]
            assert operation["summary"] in section
            rows = [line for line in section.splitlines() if line[2:5].isdigit()]
            assert [row[2:5] for row in rows] == [*operation["responses"]]
    assert document["components"]["schemas"].keys() <= sections.keys()


def test_every_docstring_can_be_read_in_sections(caplog: pytest.LogCaptureFixture) -> None:
    """As mkdocstrings reads them for the pages of names, which warns of what it cannot read."""
    griffe = pytest.importorskip("griffe", reason="of the extra `docs`")

    def parse(owner: Any) -> None:
        for member in owner.members.values():
            if not member.is_alias:
                if member.docstring:
                    assert member.docstring.parsed is not None
                parse(member)

    parse(griffe.load("lstm_sentiment", search_paths=[REPOSITORY], docstring_parser="google"))
    assert [record.getMessage() for record in caplog.records] == []
