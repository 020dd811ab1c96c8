"""Makes the pictures of the page in the READMEs, `docs/images/page.png` and `page.zh-CN.png`.

    python docs/make_screenshots.py --model-dir models/sentiment

Serves that folder of versions on a free port and looks at it in headless Chromium, in English and
in Chinese. Needs the extra `dev`, a Chromium on PATH (or LSTM_SENTIMENT_TEST_BROWSER) and a font
for Chinese.
"""

import argparse
import os
import shutil
import sys
from pathlib import Path

from playwright.sync_api import sync_playwright

from lstm_sentiment.models_config.config import single_model_config
from lstm_sentiment.serving.server import ModelServer

IMAGES = Path(__file__).parent / "images"
# By locale of the browser.
PICTURES = {"en-US": "page.png", "zh-CN": "page.zh-CN.png"}
TEXTS = [
    "房间很干净，服务员也很热情，下次还会来。",
    "早餐很一般，隔音太差，一晚上没睡好。",
]
FLAGS = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"]


def find_browser() -> str:
    """Returns the path of Chromium, or exits with a message if there is none."""
    names = ("chromium", "chromium-browser", "google-chrome")
    asked = os.environ.get("LSTM_SENTIMENT_TEST_BROWSER")
    found = asked or next(filter(None, map(shutil.which, names)), None)
    if found is None:
        sys.exit(f"error: there must be a browser on PATH. Received: none of {', '.join(names)}.")
    return found


def take_picture(url: str, browser_path: str, locale: str, picture: Path) -> None:
    """Types the texts into the page and writes a screenshot.

    Args:
        url: Address of the page.
        browser_path: Path of Chromium.
        locale: The browser's language, which is that of the page.
        picture: The PNG to write.
    """
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=browser_path, args=FLAGS)
        page = browser.new_page(
            viewport={"width": 1280, "height": 870}, locale=locale, color_scheme="light"
        )
        page.goto(url)
        page.locator("#try-texts").fill("\n".join(TEXTS))
        page.locator("#try-tools").wait_for()  # not there for the examples of an empty field
        # No blinking cursor, and bars that have stopped growing.
        page.locator("h2").first.focus()
        page.emulate_media(reduced_motion="reduce")
        picture.parent.mkdir(exist_ok=True)
        page.screenshot(path=picture)
        browser.close()


def main() -> None:
    """Serves the model and takes the pictures."""
    parser = argparse.ArgumentParser(description="Makes the pictures of the page.")
    parser.add_argument("--model-dir", type=Path, default=Path("models/sentiment"))
    parser.add_argument("--output", type=Path, default=IMAGES, help="folder of the pictures")
    options = parser.parse_args()
    config = single_model_config("sentiment", options.model_dir.absolute())
    with ModelServer(config, port=0) as server:
        url = f"http://127.0.0.1:{server.rest_api_port}/"
        for locale, name in PICTURES.items():
            take_picture(url, find_browser(), locale, options.output / name)


if __name__ == "__main__":
    main()
