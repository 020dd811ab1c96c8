"""A figure that several pages quote is the same on each of them."""

import re

import pytest

from tests.documentation.pages import page_text


def numbers(page: str, pattern: str) -> tuple[str, ...]:
    """The groups of the one match of a pattern, in a page without its line breaks."""
    [found] = re.findall(pattern, " ".join(page_text(page).split()))
    return tuple(found)


READY = numbers("docs/serving.md", r"ready after ([\d.]+) s instead of ([\d.]+) s")
IDLE = numbers("docs/serving.md", r"used ([\d,]+) MiB when idle instead of ([\d,]+) MiB")
BATCHING = numbers(
    "docs/serving.md", r"\| gRPC, 64 callers, batching \| [^|]+ \| ([\d,]+) / ([\d,]+) \|"
)


@pytest.mark.parametrize(
    ("expected", "row"),
    [
        (READY, r"\| a server from start to ready \| ([\d.]+) s \| ([\d.]+) s \|"),
        (IDLE, r"\| memory of an idle server \| ([\d,]+) MiB \| ([\d,]+) MiB \|"),
        (BATCHING, r"gRPC, 64 callers, batching, requests a second \| ([\d,]+) \| ([\d,]+) \|"),
    ],
)
def test_the_engines_are_compared_by_the_figures_of_the_server(
    expected: tuple[str, ...], row: str
) -> None:
    before, now = numbers("docs/engines.md", row)
    assert (now, before) == expected


def test_the_comparison_quotes_the_figures_of_the_server() -> None:
    page = "docs/comparison.md"
    assert numbers(page, r"ready after ([\d.]+) instead of ([\d.]+) seconds") == READY
    assert numbers(page, r"([\d,]+) instead of ([\d,]+) MiB when idle") == IDLE
