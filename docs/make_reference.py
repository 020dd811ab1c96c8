"""Writes the reference pages of the site to docs/reference/: commands, REST API and public names.

    python docs/make_reference.py

The command line's page holds the texts of `--help`, and the REST API's page the contents of
`/openapi.json`. A page of public names begins with the example of docs/reference_examples/, which
the tests run, and a table of its names; the site generator takes signatures and docstrings from the
modules. docs/reference_order.toml has the groups and their order. `make docs` runs this first; the
pages are not committed.
"""

import ast
import json
import re
import shutil
import tomllib
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any

import lstm_sentiment
from lstm_sentiment.cli import app
from lstm_sentiment.cli.help_page import names_of, takes, usage
from lstm_sentiment.serving.rest_api.routing.openapi import openapi_document
from lstm_sentiment.serving.rest_api.routing.table import METRICS, routes_of

FOLDER = Path(__file__).parent / "reference"
EVERYWHERE = ("verbose", "quiet", "help")
EXAMPLES = Path(__file__).parent / "reference_examples"
# For each page: title, contents, the beginnings of the modules whose names it shows (an empty one
# takes all that are left), and groups of names in order; names in no group follow at the end.
PAGES: dict[str, Any] = tomllib.loads(
    (Path(__file__).parent / "reference_order.toml").read_text("utf-8")
)
_MARK = re.compile(r"^<!-- .* -->\n", re.MULTILINE)


def main(folder: Path = FOLDER) -> None:
    """Writes all pages, after removing the folder."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    (folder / "command-line.md").write_text("\n".join(command_line()) + "\n", "utf-8")
    (folder / "rest-api.md").write_text("\n".join(rest_api()) + "\n", "utf-8")
    names: dict[str, list[str]] = {page: [] for page in PAGES}
    for name in sorted({*lstm_sentiment.__all__} - {"__version__"}, key=str.lower):
        names[page_of(home_of(name))].append(name)
    for page in PAGES:
        text = "\n".join(python_page(page, names[page])) + "\n"
        (folder / f"{page}.md").write_text(text, "utf-8")


def home_of(name: str) -> str:
    """Returns the module that defines a public name, without `lstm_sentiment.`."""
    stub = ast.parse(Path(lstm_sentiment.__file__).with_suffix(".pyi").read_text("utf-8"))
    return next(
        node.module
        for node in stub.body
        if isinstance(node, ast.ImportFrom) and node.module
        if name in {alias.name for alias in node.names}
    )


def page_of(home: str) -> str:
    """Returns the page that shows the names of a module."""
    return next(name for name, page in PAGES.items() if home.startswith(tuple(page["modules"])))


def python_page(page: str, names: list[str]) -> Iterator[str]:
    """Yields the parts of a page of public names: example, list of names, descriptions."""
    title, contents = PAGES[page]["title"], PAGES[page]["contents"]
    groups = grouped(PAGES[page]["groups"], names)
    yield f"# Python: {title.lower()}\n\n{contents} Use each name as `lstm_sentiment.NAME`.\n"
    yield example(page)
    yield "| part | names |\n|---|---|"
    for group, members in groups.items():
        links = (f"[`{name}`][lstm_sentiment.{home_of(name)}.{name}]" for name in members)
        yield f"| {group} | {', '.join(links)} |"
    yield ""
    for group, members in groups.items():
        yield f"## {group}\n"
        for name in members:
            yield f"::: lstm_sentiment.{home_of(name)}.{name}\n"


def grouped(groups: dict[str, list[str]], names: list[str]) -> dict[str, list[str]]:
    """Returns the groups in order, and after them the names that are in none.

    Raises:
        ValueError: If a group holds a name that the page does not show.
    """
    listed = [name for members in groups.values() for name in members]
    if wrong := sorted({*listed} - {*names}):
        raise ValueError(
            f"docs/reference_order.toml must hold names of its page. Received: {wrong}."
        )
    rest = [name for name in names if name not in listed]
    return groups | ({"More": rest} if rest else {})


def example(page: str) -> str:
    """Returns the example of a page, without the marks for the tests."""
    return _MARK.sub("", (EXAMPLES / f"{page}.md").read_text("utf-8"))


def command_line() -> Iterator[str]:
    """Yields the parts of the page of all commands."""
    root: Any = app.command_line()
    context = root.make_context("cli.py", [], resilient_parsing=True)
    yield "# Command line\n"
    yield "Run `lstm-sentiment COMMAND`, or `python cli.py COMMAND` in a clone of the repository.\n"
    yield "| command | what it does |\n|---|---|"
    yield "\n".join(
        f"| [`{path}`](#{path.replace(' ', '-')}) | {escaped(command.get_short_help_str(400))} |"
        for path, command in commands(root, context)
    )
    yield "\n## Flags of all commands\n"
    yield from options(root, context)
    yield "Every command also accepts the last three flags.\n"
    for path, command in commands(root, context):
        yield f"## {path}\n"
        yield from described(command, path)


def rest_api() -> Iterator[str]:
    """Yields the parts of the page of the REST API."""
    routes = routes_of(metrics_path=METRICS.template, state=True, ui=True)
    document = openapi_document(routes, with_tokens=True)
    yield "# REST API\n"
    yield "A running server has this description at `/openapi.json`, as an OpenAPI 3.1 document.\n"
    yield example("rest-api")
    yield document["info"]["description"]
    operations = [
        (f"{method.upper()} {path}", operation)
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    ]
    for tag in document["tags"]:
        yield f"## {tag['name']}\n"
        for title, operation in operations:
            if tag["name"] in operation["tags"]:
                yield from described_operation(title, operation)
    yield "## Schemas\n"
    for name, schema in document["components"]["schemas"].items():
        text = json.dumps(schema, ensure_ascii=False, indent=1)
        yield f"### {name} {{ #schema-{name.lower()} }}\n\n```json\n{text}\n```\n"


def described_operation(title: str, operation: dict[str, Any]) -> Iterator[str]:
    """Yields the summary, the parameters, the body and the statuses of one operation."""
    yield f"### `{title}`\n"
    token = " Needs no token." if operation.get("security") == [] else ""
    yield f"{operation['summary']}{token}\n"
    parameters = operation.get("parameters", [])
    if parameters:
        yield "| parameter | in | meaning |\n|---|---|---|"
        yield "\n".join(
            f"| `{each['name']}` | {each['in']} | {each['description']} |" for each in parameters
        )
        yield ""
    if "requestBody" in operation:
        yield f"Body: {schemas_of(operation['requestBody'])}.\n"
    yield "| status | what it means | body |\n|---|---|---|"
    yield "\n".join(
        f"| {status} | {reply['description']} | {schemas_of(reply)} |"
        for status, reply in operation["responses"].items()
    )
    yield ""


def schemas_of(holder: dict[str, Any]) -> str:
    """Returns the media types of a body, each with a link to its schema."""
    named = {
        content_type: content["schema"]["$ref"].rpartition("/")[2]
        for content_type, content in holder.get("content", {}).items()
    }
    return ", ".join(f"`{kind}`: [{name}](#schema-{name.lower()})" for kind, name in named.items())


def commands(group: Any, context: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Yields every command without sub-commands, after its full name."""
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        if hasattr(command, "list_commands"):
            yield from commands(command, context, f"{path}{name} ")
        elif not command.hidden:
            yield f"{path}{name}", command


def described(command: Any, path: str) -> Iterator[str]:
    """Yields the usage, the help and the flags of a command."""
    context = command.make_context(path, [], resilient_parsing=True)
    yield f"```text\nlstm-sentiment {usage(command, context)}\n```\n"
    for paragraph in re.split(r"\n\s*\n", command.help or ""):
        text = " ".join(paragraph.replace("\f", "").split())
        if text.startswith("Example: "):
            shown = text.removeprefix("Example: ").replace("python cli.py ", "lstm-sentiment ")
            yield f"```sh\n{shown}\n```\n"
        elif text:
            yield f"{escaped(text)}\n"
    yield from options(command, context, without=EVERYWHERE)


def options(command: Any, context: Any, without: Collection[str] = ()) -> Iterator[str]:
    """Yields a table of arguments and flags for each panel of the help."""
    panels: dict[str, list[Any]] = {}
    for parameter in command.get_params(context):
        if not getattr(parameter, "hidden", False) and parameter.name not in without:
            panel = getattr(parameter, "rich_help_panel", None) or ""
            panels.setdefault(panel, []).append(parameter)
    for panel, parameters in panels.items():
        if panel:
            yield f"**{panel}**\n"
        yield "| flag or argument | meaning | default |\n|---|---|---|"
        yield "\n".join(row(parameter, context) for parameter in parameters) + "\n"


def row(parameter: Any, context: Any) -> str:
    """Returns the table row of one argument or flag."""
    _, text = parameter.get_help_record(context)
    flags = f"{names_of(parameter)} {takes(parameter)}".strip()
    text, _, rest = text.partition("  [")
    default = escaped(rest.removesuffix("]").removeprefix("default: "))
    return f"| `{flags}` | {escaped(' '.join(text.split()))} | {default} |"


def escaped(text: str) -> str:
    """Escapes Markdown in plain text, also for tables, but not in code."""
    return re.sub(r"`[^`|]+`|[\\|*_<>\[\]]", _escaped_unless_code, text)


def _escaped_unless_code(found: re.Match[str]) -> str:
    return found[0] if found[0].startswith("`") else "\\" + found[0]


if __name__ == "__main__":
    main()
