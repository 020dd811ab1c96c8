"""The files of the page for people, which a model server shows at `/`.

The page is plain HTML, CSS and JavaScript in the folder `ui` beside this module. It holds no data:
it asks the server's own REST API for everything, so it may be shown to whoever has no token yet.
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
"""What the page may load: its own files, and nothing that stands in the page itself."""

_HEADERS = {
    "content-security-policy": CONTENT_SECURITY_POLICY,
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    # Asked for again each time, so that no page of another release stays; it is seldom sent again.
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
    """One file as it is sent.

    Attributes:
        body: What is in it.
        content_type: Its media type.
        headers: What else is sent with it, its `etag` among them; all names are in lower case.
    """

    body: bytes
    content_type: str
    headers: Mapping[str, str]

    def is_known_as(self, if_none_match: str) -> bool:
        """Whether whoever asks has this very file already.

        Args:
            if_none_match: The request's header of that name (RFC 9110, 13.1.2); empty for none.
        """
        known = [tag.strip().removeprefix("W/") for tag in if_none_match.split(",")]
        return "*" in known or self.headers["etag"] in known


def ui_page(path: str) -> UiPage | None:
    """Finds the file for a path.

    Args:
        path: As it was sent: `/`, or `/ui/` and a name.

    Returns:
        The file; `None` if there is none, as for every path with a folder or an escape in it.
    """
    return _pages().get(path)


def ui_paths() -> frozenset[str]:
    """Tells all paths that have a file."""
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
