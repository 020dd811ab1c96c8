"""Headless Chromium for tests of pages.

Tests are skipped where there is none: LSTM_SENTIMENT_TEST_BROWSER says where it is, if not on PATH.
"""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from playwright import sync_api as playwright
from playwright.sync_api import expect

# A busy machine can take long over a keystroke; only a page that fails takes it whole.
WAIT_MILLISECONDS = 60_000
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@contextmanager
def chromium(*flags: str) -> Iterator[playwright.Browser]:
    """A browser, started with further flags; skips the test if there is none."""
    names = ("chromium", "chromium-browser", "google-chrome")
    path = os.environ.get("LSTM_SENTIMENT_TEST_BROWSER") or next(
        filter(None, map(shutil.which, names)), None
    )
    if path is None:
        pytest.skip(f"needs a browser: none of {', '.join(names)} (LSTM_SENTIMENT_TEST_BROWSER)")
    expect.set_options(timeout=WAIT_MILLISECONDS)
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=path, args=[*FLAGS, *flags])
        yield browser
        browser.close()
