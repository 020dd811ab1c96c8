"""The files of the page as they are sent, and what can be said of them without a browser."""

import asyncio
import re
from importlib import resources

import httpx
import pytest

from lstm_sentiment.serving.access.authentication import BearerTokenMiddleware, BearerTokens
from lstm_sentiment.serving.asgi import AsgiApp, Receive, Scope, Send
from lstm_sentiment.serving.rest_api.app import RestApi, rest_app
from lstm_sentiment.serving.rest_api.ui_pages import ui_page, ui_paths
from tests.contrast import Colour, contrast, over, themes
from tests.serving.fake_servables import FakeServable, plane_of

FOLDER = resources.files("lstm_sentiment.serving.rest_api").joinpath("ui")
FILES = {file.name: file.read_text("utf-8") for file in FOLDER.iterdir() if file.is_file()}
HTML, CSS = FILES["index.html"], FILES["style.css"]
THEMES = themes(CSS + FILES["dark.css"])
SCRIPTS = {name: text for name, text in FILES.items() if name.endswith(".js")}


def app_of(ui: bool = True) -> RestApi:
    return rest_app(plane_of(FakeServable()), ui=ui)


def ask(app: AsgiApp, method: str, path: str, **headers: str) -> httpx.Response:
    async def request() -> httpx.Response:
        async def as_sent(scope: Scope, receive: Receive, send: Send) -> None:
            # The client has resolved what leads out of a folder; others would not.
            await app({**scope, "raw_path": path.encode()}, receive, send)

        transport = httpx.ASGITransport(as_sent)
        async with httpx.AsyncClient(transport=transport, base_url="http://server") as client:
            sent = {name.replace("_", "-"): value for name, value in headers.items()}
            return await client.request(method, "/", headers=sent)

    return asyncio.run(request())


def test_the_page_comes_with_headers_that_keep_it_to_itself() -> None:
    response = ask(app_of(), "GET", "/")
    assert response.status_code == 200
    assert response.text == HTML
    headers = response.headers
    assert headers["content-type"] == "text/html; charset=utf-8"
    policy = dict(each.split(" ", 1) for each in headers["content-security-policy"].split("; "))
    assert policy == {
        "default-src": "'none'",
        "script-src": "'self'",
        "style-src": "'self'",
        "connect-src": "'self'",
        "img-src": "'self' data:",
        "form-action": "'none'",
        "base-uri": "'none'",
        "frame-ancestors": "'none'",
    }
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["cache-control"] == "no-cache"


@pytest.mark.parametrize(
    ("suffix", "content_type"),
    [
        ("css", "text/css; charset=utf-8"),
        ("js", "text/javascript; charset=utf-8"),
        ("svg", "image/svg+xml"),
    ],
)
def test_each_kind_of_file_has_its_type(suffix: str, content_type: str) -> None:
    app = app_of()
    paths = [path for path in ui_paths() if path.endswith(suffix)]
    assert paths
    for path in paths:
        response = ask(app, "GET", path)
        assert response.headers["content-type"] == content_type
        assert response.text == FILES[path.removeprefix("/ui/")]


def test_all_files_are_served() -> None:
    assert ui_paths() == {"/"} | {f"/ui/{name}" for name in FILES if name != "index.html"}


def test_head_tells_what_get_would() -> None:
    got, told = (ask(app_of(), method, "/") for method in ("GET", "HEAD"))
    assert (told.status_code, told.headers) == (200, got.headers)


def test_a_file_known_already_is_not_sent_again() -> None:
    app = app_of()
    etag = ask(app, "GET", "/ui/app.js").headers["etag"]
    for known in (etag, f"W/{etag}", f'"other", {etag}', "*"):
        response = ask(app, "GET", "/ui/app.js", if_none_match=known)
        assert (response.status_code, response.content) == (304, b"")
        assert response.headers["etag"] == etag
        assert "content-security-policy" in response.headers
    assert ask(app, "GET", "/ui/app.js", if_none_match='"other"').status_code == 200
    assert ask(app, "GET", "/ui/style.css", if_none_match=etag).status_code == 200


@pytest.mark.parametrize(
    "path",
    [
        *["/ui", "/ui/", "/ui/x.js", "/ui/index.html", "/app.js", "//", "/ui//app.js"],
        *["/ui/app.js/", "/ui/./app.js", "/ui/%61pp.js", "/ui/../ui_pages.py", "/ui//etc/passwd"],
        *["/ui/%2e%2e/ui_pages.py", "/ui/..%2fui_pages.py", "/ui/..\\ui_pages.py"],
        *["/ui/app.js%00", "/ui/ui/app.js"],
    ],
)
def test_what_is_no_file_of_the_page_is_not_found(path: str) -> None:
    assert ui_page(path) is None
    response = ask(app_of(), "GET", path)
    assert (response.status_code, response.json()) == (404, {"error": "Not found"})


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS"])
@pytest.mark.parametrize("path", ["/", "/ui/app.js", "/about/m/1"])
def test_the_page_is_only_read(method: str, path: str) -> None:
    response = ask(app_of(), method, path)
    assert (response.status_code, response.headers["allow"]) == (405, "GET, HEAD")
    assert ask(app_of(ui=False), method, path).status_code == 404


def test_without_the_page_nothing_of_it_is_there() -> None:
    app = app_of(ui=False)
    assert {ask(app, "GET", path).status_code for path in ui_paths()} == {404}


def guarded(ui: bool) -> AsgiApp:
    app = app_of(ui=ui)
    return BearerTokenMiddleware(app, BearerTokens(["secret"]), app.router.roles_of)


def test_the_page_needs_no_token_and_the_rest_does() -> None:
    app = guarded(ui=True)
    assert {ask(app, "GET", path).status_code for path in ui_paths()} == {200}
    for path in ("/state", "/v1/models/m", "/ui/other/app.js", "/ui"):
        assert ask(app, "GET", path).status_code == 401
    for path in ("/ui/other", "/ui/%61pp.js"):
        assert ask(app, "GET", path).status_code == 404
    assert ask(app, "POST", "/").status_code == 401
    closed = guarded(ui=False)
    assert ask(closed, "GET", "/").status_code == 401
    assert ask(closed, "GET", "/healthz").status_code == 200


def test_the_page_holds_nothing_that_its_policy_forbids() -> None:
    assert not re.search(r"<style|<script(?![^>]*\bsrc=)|\sstyle=|\son\w+=|javascript:", HTML)
    for name, text in FILES.items():
        hosts = set(re.findall(r"(?:https?:)?//([\w.-]+\.\w+)", text))
        assert hosts <= {"www.w3.org"}, name
        assert "@import" not in text
    for name, text in SCRIPTS.items():
        forbidden = r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function"
        assert not re.search(forbidden, text), name


def test_everything_it_refers_to_is_there() -> None:
    for path in re.findall(r'(?:src|href)="(?!#)([^"]+)"', HTML):
        assert f"/{path}" in ui_paths()
    for name, text in SCRIPTS.items():
        for module in re.findall(r'from "\./([^"]+)"', text):
            assert module in SCRIPTS, name
        for identifier in re.findall(r'byId\("([^"]+)"\)', text):
            assert f'id="{identifier}"' in HTML, identifier


# What the page says: keys of both languages, and where they are used.

STRINGS = SCRIPTS["strings.js"]


def keys_of(language: str) -> dict[str, set[str]]:
    [block] = re.findall(rf"const {language} = \{{\n(.*?)\n\}};", STRINGS, re.DOTALL)
    found = re.findall(r'^  "?([\w.]+)"?: (.+),$', block, re.MULTILINE)
    return {key: set(re.findall(r"\{(\w+)\}", value)) for key, value in found}


def test_both_languages_say_the_same() -> None:
    assert len(keys_of("zh")) > 100
    assert keys_of("zh") == keys_of("en")


def test_all_that_is_said_has_words_and_all_words_are_said() -> None:
    said = set(re.findall(r'data-i18n(?:-label)?="([^"]+)"', HTML))
    for name, text in SCRIPTS.items():
        if name != "strings.js":
            said |= set(re.findall(r'"((?:[a-z]+\.)[\w]+)"', text)) & keys_of("en").keys()
            said |= set(re.findall(r'\bt\(\s*"([^"]+)"', text))
    # Put together of a name.
    made = ("advice.", "duration.", "error.", "kind.", "models.", "state.", "theme.")
    assert said <= keys_of("en").keys()
    assert {key for key in keys_of("en").keys() - said if not key.startswith(made)} == set()


def test_chinese_has_the_words_of_the_documentation_and_marks_of_full_width() -> None:
    zh = STRINGS.split("const en")[0]
    assert re.findall("载入|signature|您|修正", zh) == []
    assert re.findall(r"[\u4e00-\u9fff] ?[,:;?!(]|[,:;?!)] ?[\u4e00-\u9fff]", zh) == []


def test_the_page_speaks_chinese_until_its_script_runs() -> None:
    zh = dict(re.findall(r'^  "?([\w.]+)"?: "(.+)",$', STRINGS.split("const en")[0], re.MULTILINE))
    shown = re.findall(r'data-i18n="([^"]+)"[^>]*>([^<]+)<', HTML)
    assert len(shown) > 20
    assert [(key, words) for key, words in shown if zh[key] != words] == []


# The colours as style.css names them.

TEXT_ON = [
    *[("text", each) for each in ("page", "surface", "sunken", "accent-soft")],
    *[("muted", each) for each in ("page", "surface", "sunken")],
    *[("accent", each) for each in ("surface", "accent-soft", "sunken")],
    ("on-accent", "accent"),
    *[("problem", each) for each in ("problem-soft", "surface")],
    *[("differs", each) for each in ("differs-soft", "surface")],
    ("available", "surface"),
]
CLASSES = [f"class-{number}" for number in range(8)]
TEXT_ON += [(each, f"{each}-soft") for each in CLASSES]
SIGNS_ON = [*[(each, "sunken") for each in CLASSES], ("edge", "surface")]
SIGNS_ON += [("accent", "page"), ("differs", "page"), ("accent", "sunken")]


@pytest.mark.parametrize("theme", THEMES, ids=["light", "dark"])
def test_colours_can_be_told_apart(theme: dict[str, Colour]) -> None:
    for text, ground in TEXT_ON:
        assert contrast(theme[text], theme[ground]) >= 4.5, (text, ground)
    for sign, ground in SIGNS_ON:
        assert contrast(theme[sign], theme[ground]) >= 3, (sign, ground)


@pytest.mark.parametrize("theme", THEMES, ids=["light", "dark"])
@pytest.mark.parametrize("token", ["token-for", "token-against"])
def test_a_token_can_be_read_however_much_it_weighs(theme: dict[str, Colour], token: str) -> None:
    assert re.search(r"rgb\(var\(--token-for\) / calc\(var\(--weight\) \* 0\.55\)\)", CSS)
    for ground in ("surface", "page"):
        shaded = over(theme[token], theme[ground], 0.55)
        assert contrast(theme["text"], shaded) >= 4.5


def test_both_themes_name_all_colours() -> None:
    light, dark = (
        set(re.findall(r"--([\w-]+): (?:#|\d)", text))
        for text in (CSS.split("* { box-sizing")[0], FILES["dark.css"])
    )
    assert light - {"round"} == dark | {"shadow"}
    colours = re.findall(r"\.(class-\d) \{ --class: var\(--(class-\d)\)", CSS)
    assert colours == [(each, each) for each in CLASSES]


def test_tokens_are_told_apart_without_colour_too() -> None:
    [rule] = re.findall(r"\.token\.against \{(.*?)\}", CSS, re.DOTALL)
    assert "underline dotted" in rule


def test_nothing_moves_for_those_who_asked_for_that() -> None:
    [rule] = re.findall(r"prefers-reduced-motion: reduce\) \{(.*?)\n\}", CSS, re.DOTALL)
    assert "transition: none !important" in rule
