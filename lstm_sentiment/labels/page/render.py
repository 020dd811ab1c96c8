"""Renders the page: one HTML file that loads nothing else and sends nothing anywhere."""

import base64
import hashlib
import json
import os
from collections.abc import Iterable, Sequence
from functools import cache
from importlib import resources
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from lstm_sentiment.errors import InvalidInputError, MissingExtraError
from lstm_sentiment.labels.page.rows import PageMode, PageRow, list_digest, page_items
from lstm_sentiment.system import write_whole
from lstm_sentiment.unicode import replace_surrogates

_TEMPLATE, _STYLE = "labels.html.jinja", "labels.css"
_SCRIPTS = (
    *("start.js", "strings.js", "decisions.js", "language.js", "elements.js"),
    *("labels.js", "shading.js", "saving.js", "list.js", "card.js", "app.js"),
)
SAVED = {"check": "corrections.csv", "next": "labelled.csv"}
"""The name of the file that a page saves, by its mode."""


def require_page_libraries() -> None:
    """Checks that the library which renders pages is installed.

    Raises:
        MissingExtraError: If it is not; the message names the extra.
    """
    if find_spec("jinja2") is None:
        raise MissingExtraError(
            "A page needs the `report` extra: pip install 'lstm-sentiment[report]'."
        )


def render_labels_page(
    rows: Iterable[PageRow],
    *,
    mode: PageMode,
    source: str,
    label_names: Sequence[str],
    next_command: str,
) -> str:
    """Renders the page on which people decide about labels.

    What is decided stays in the browser's storage, by the digest of the list, until it is saved as
    a file: `corrections.csv` for `fit --corrections`, or `labelled.csv` for `fit --data`.

    Args:
        rows: The texts in the order of the page.
        mode: `check` shows labels to be confirmed, `next` texts to be labelled.
        source: Where the texts are from, as the page shows it.
        label_names: The labels to choose from, in id order; keys 1 to 9 choose the first nine.
        next_command: The command that takes the saved file, which the page shows then.

    Returns:
        A complete HTML document, to be encoded as UTF-8. Its content security policy allows its own
        script and style by their hashes, and nothing else.

    Raises:
        MissingExtraError: If the extra `report` is not installed.
    """
    require_page_libraries()
    from jinja2 import Environment, PackageLoader, StrictUndefined
    from markupsafe import Markup

    items = page_items(rows)
    data = {
        "mode": mode,
        "id": list_digest(mode, items),
        "source": source,
        "file": SAVED[mode],
        "command": next_command,
        "classes": list(label_names),
        "items": items,
    }
    script = "(() => {\n'use strict';\n" + "\n".join(map(_asset, _SCRIPTS)) + "})();\n"
    style = _asset(_STYLE)
    environment = Environment(
        loader=PackageLoader(__package__ or ""),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template(_TEMPLATE).render(
        mode=mode,
        asked=len(items),
        source=replace_surrogates(source),
        script=Markup(script),
        script_hash=_hash(script),
        style=Markup(style),
        style_hash=_hash(style),
        data=Markup(_json(data)),
    )


def source_name(files: Sequence[Path]) -> str:
    """Returns the name of the files as the page shows it: `a.csv`, or `a.csv + 2`."""
    return files[0].name if len(files) == 1 else f"{files[0].name} + {len(files) - 1}"


def write_labels_page(page: str, path: str | os.PathLike[str]) -> None:
    """Writes a page as a whole or not at all.

    Raises:
        InvalidInputError: If the file cannot be written.
    """
    try:
        with write_whole(Path(path)) as file:
            file.write(page.encode())
    except OSError as error:
        raise InvalidInputError(f"{path}: cannot be written: {error.strerror}.") from error


@cache
def _asset(name: str) -> str:
    return resources.files(__package__ or "").joinpath("templates", name).read_text("utf-8")


def _hash(content: str) -> str:
    """Returns the source expression of an inline script or style (CSP, level 2)."""
    return "sha256-" + base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()


def _json(data: Any) -> str:
    """Returns JSON that no HTML parser takes for an end tag or a comment."""
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return replace_surrogates(text).replace("<", "\\u003c").replace("&", "\\u0026")
