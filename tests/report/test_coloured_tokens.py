import io
import math
import re
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from lstm_sentiment.errors import InvalidInputError
from lstm_sentiment.report.coloured_tokens import (
    TOKENS_CSS,
    shade,
    signed,
    tokens_html,
    tokens_text,
    tokens_with_weights,
)

FLOATS = st.floats(allow_nan=True, allow_infinity=True)
WEIGHED = st.lists(st.tuples(st.text(max_size=8), FLOATS), max_size=12)


class Fragment(HTMLParser):
    """The tokens of a fragment as a browser would read them: classes, weight and text of each."""

    def __init__(self, fragment: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.tokens: list[dict[str, str]] = []
        self.text = ""
        self._in_small = False
        self.feed(fragment)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        given = {name: value or "" for name, value in attrs}
        self._in_small = tag == "small"
        if "token" in given.get("class", "").split():
            self.tokens.append({**given, "text": ""})

    def handle_endtag(self, tag: str) -> None:
        self._in_small = False if tag == "small" else self._in_small

    def handle_data(self, data: str) -> None:
        self.text += data
        if self.tokens and not self._in_small and data != " ":
            self.tokens[-1]["text"] += data


def test_a_token_of_the_text_cannot_be_markup() -> None:
    fragment = tokens_html(["<script>", 'a"b', "&amp;", "</span>"], [1.0, 0.5, -0.5, 0.1])
    read = Fragment(fragment)
    assert set(read.tags) == {"span", "small"}
    assert [token["text"] for token in read.tokens] == ["<script>", 'a"b', "&amp;", "</span>"]


def test_html_tells_the_sign_and_the_weight_with_and_without_colour() -> None:
    clean, very, loud, of = Fragment(
        tokens_html(["干净", "很", "吵", "的"], [0.61, 0.122, -0.2, 0])
    ).tokens
    assert clean["class"].split() == ["token", "for", "strong"]
    assert clean["style"] == "--weight:1.00" and clean["title"] == "+0.61"
    assert very["style"] == "--weight:0.20"
    assert loud["class"].split() == ["token", "against"]
    assert loud["style"] == "--weight:0.33" and loud["title"] == "-0.20"
    assert of["class"].split() == ["token"]


def test_tokens_of_a_text_are_shown_in_place() -> None:
    text = "Wi-Fi很快，\n房间 OK。还有"
    fragment = tokens_html(["wi-fi", "很快", ",", "房间", "ok"], [0.5, 1, 0.3, -0.4, 0.01], text)
    read = Fragment(fragment)
    shown = re.findall(r'<span class="token[ "][^>]*>(.*?)<small', fragment)
    assert shown == ["Wi-Fi", "很快", "，", "房间", "OK"]
    assert re.sub(r"<small>.*?</small>|<[^>]*>", "", fragment) == text
    assert read.tokens[-1]["class"] == "token", "what hardly counts is not coloured"
    assert '<span class="unread">。还有</span>' in fragment
    assert "apart" not in fragment


def test_tokens_that_are_not_in_the_text_stand_apart() -> None:
    fragment = tokens_html(["x", "y"], [0.5, 1], "z")
    assert fragment.startswith('<span class="tokens apart">') and "</span> <span" in fragment


def test_only_the_first_tokens_may_be_shown() -> None:
    fragment = tokens_html(["好"] * 5, [1.0] * 5, "好好好好好了", limit=2)
    assert re.sub(r"<small>.*?</small>|<[^>]*>", "", fragment) == "好好"


def test_html_has_the_weight_as_text_for_who_cannot_point_at_it() -> None:
    assert Fragment(tokens_html(["干净", "吵"], [0.61, -0.2])).text == "干净 +0.61 吵 -0.20"


@given(WEIGHED)
def test_html_of_any_tokens_is_well_formed_with_weights_in_range(
    weighed: list[tuple[str, float]],
) -> None:
    fragment = tokens_html([token for token, _ in weighed], [weight for _, weight in weighed])
    read = Fragment(fragment)
    assert len(read.tokens) == len(weighed)
    fragment.encode()
    for token in read.tokens:
        weight = re.fullmatch(r"--weight:([01]\.\d\d)", token["style"])
        assert weight is not None and 0 <= float(weight[1]) <= 1


@given(FLOATS, FLOATS)
def test_a_shade_is_in_range_and_has_the_sign_of_the_attribution(
    attribution: float, largest: float
) -> None:
    part = shade(attribution, largest)
    assert -1 <= part <= 1
    assert part == 0 or math.copysign(1, part) == math.copysign(1, attribution)


def test_the_strongest_token_has_the_full_shade() -> None:
    assert shade(-0.3, 0.3) == -1
    assert shade(0.15, 0.3) == 0.5
    assert shade(0.15, 0) == 0


def printed(tokens: list[str], weights: list[float], **options: object) -> str:
    out = io.StringIO()
    console = Console(file=out, **options)  # type: ignore[arg-type]
    console.print(tokens_text(tokens, weights))
    return out.getvalue()


def test_a_terminal_shows_stronger_tokens_stronger_and_underlines_what_speaks_against() -> None:
    shown = printed(["干净", "很", "吵", "的"], [0.6, 0.1, -0.3, 0.001], **TERMINAL)
    strong, weak, against = (
        re.search(rf"\x1b\[([\d;]+)m{token}", shown)[1].split(";")  # type: ignore[index]
        for token in ("干净", "很", "吵")
    )
    assert "48" in strong and "1" in strong and "4" not in strong
    assert "48" not in weak
    assert against[:2] == ["1", "4"] and "48" in against
    assert shown.rstrip().endswith(" 的"), "what hardly counts is not coloured"


TERMINAL = {"force_terminal": True, "color_system": "truecolor", "width": 60}


def test_lines_wrap_between_tokens_at_the_width_of_chinese_characters() -> None:
    shown = printed(["房间", "干净"] * 10, [0.1, 0.2] * 10, width=24, color_system=None)
    assert shown.splitlines()[0].rstrip() == "房间 干净 房间 干净 房间"


def test_a_token_cannot_send_codes_to_the_terminal() -> None:
    assert "\x1b" not in printed(["\x1b[31m红", "\x07"], [1.0, -1.0], width=60, color_system=None)
    assert "\x1b" not in tokens_with_weights(["\x1b[31m红"], [1.0])


def test_without_colour_each_token_has_its_weight() -> None:
    assert tokens_with_weights(["干净", "吵"], [0.61, -0.2]) == "干净 +0.61  吵 -0.20"
    assert tokens_with_weights([], []) == ""
    assert signed(0.614) == "+0.61"
    assert signed(-0.001) == "+0.00", "a zero has no sign of its own"


@pytest.mark.parametrize("show", [tokens_html, tokens_text, tokens_with_weights])
def test_each_token_needs_its_attribution(show: object) -> None:
    with pytest.raises(InvalidInputError, match="Received: 1 for 2 tokens"):
        show(["a", "b"], [1.0])  # type: ignore[operator]


def test_the_rules_style_every_class_in_light_and_dark() -> None:
    for part in (".tokens", ".token.for", ".token.against", ".unread", "--token-against:"):
        assert part in TOKENS_CSS
    assert "37 99 235" in TOKENS_CSS and "96 165 250" in TOKENS_CSS
    assert "</" not in TOKENS_CSS, "it can stand in a style element"
