"""The files of the web page, which a model server serves at `/`.

The page is plain HTML, CSS and JavaScript in the folder `ui` beside this module. It holds no data
and gets everything from the server's REST API, so it is served without a token.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources

CONTENT_SECURITY_POLICY = "; ".join(
    [
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "connect-src 'self'",
        "img-src 'self' data:",
        "form-action 'none'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    ]
)
"""The page may load its own files, and no inline scripts or styles."""

_HEADERS = {
    "content-security-policy": CONTENT_SECURITY_POLICY,
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    # Browsers revalidate each time, so that no page of another release stays.
    "cache-control": "no-cache",
}

_CONTENT_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}


@dataclass(frozen=True)
class UiPage:
    """A file of the page.

    Attributes:
        body: Content of the file.
        content_type: Media type.
        headers: Other headers, with `etag`; all names are in lower case.
    """

    body: bytes
    content_type: str
    headers: Mapping[str, str]

    def is_known_as(self, if_none_match: str) -> bool:
        """Returns whether the client has this very file already.

        Args:
            if_none_match: Header of that name in the request (RFC 9110, 13.1.2); empty for none.
        """
        known = [tag.strip().removeprefix("W/") for tag in if_none_match.split(",")]
        return "*" in known or self.headers["etag"] in known


def ui_page(path: str) -> UiPage | None:
    """Returns the file for a path.

    Args:
        path: The path as it was sent: `/`, or `/ui/` and a name.

    Returns:
        The file; `None` for every other path, also one with a folder or an escape in it.
    """
    return _pages().get(path)


def ui_paths() -> frozenset[str]:
    """Returns all paths that have a file."""
    return frozenset(_pages())


@cache
def _pages() -> dict[str, UiPage]:
    pages = {}
    for file in resources.files(__package__).joinpath("ui").iterdir():
        suffix = file.name[file.name.rfind(".") :]
        if suffix in _CONTENT_TYPES:
            path = "/" if file.name == "index.html" else f"/ui/{file.name}"
            pages[path] = _page(file.read_bytes(), _CONTENT_TYPES[suffix])
    return pages


def _page(body: bytes, content_type: str) -> UiPage:
    etag = f'"{hashlib.sha256(body).hexdigest()[:32]}"'
    return UiPage(body, content_type, {**_HEADERS, "etag": etag})
