"""`explain` in this process: what a terminal, a pipe, a page and a program get."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tensorflow_serving.apis import get_model_metadata_pb2

from lstm_sentiment.version_folder import LABEL_NAMES
from tests.cli.running import Run
from tests.client_servers import FakeServer, serving
from tests.serving.saved_models import save_version


@pytest.fixture(scope="module")
def base_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("models") / "sentiment"
    path.mkdir()
    save_version(path, 2)
    return path


@pytest.fixture
def fake() -> FakeServer:
    return FakeServer()


@pytest.fixture
def server(fake: FakeServer) -> Iterator[str]:
    with serving(fake) as address:
        yield address


def test_piped_a_text_is_one_line_with_the_weight_behind_each_token(
    run: Run, base_path: Path
) -> None:
    outcome = run("explain", "房间", "早餐差\x1b[31m", "--model", base_path)
    assert outcome.code == 0, outcome.err
    assert outcome.err == ""
    first, second = outcome.out.splitlines()
    assert first == "v2:房间\t2.0000\t房 +1.00  间 +1.00"
    assert second.startswith("v2:早餐差")
    assert "\x1b" not in outcome.out


def test_json_has_all_that_the_signature_says(run: Run, base_path: Path) -> None:
    outcome = run("explain", "房间", "--model", base_path, "--json")
    assert json.loads(outcome.out) == {
        "text": "房间",
        "label": "v2:房间",
        "classification": 0,
        "probabilities": {"0": 2.0, "1": 2.0},
        "tokens": ["房", "间"],
        "attributions": [1.0, 1.0],
        "model_version": 2,
    }


def test_texts_of_a_file_are_explained_in_order_whatever_the_batch(
    run: Run, base_path: Path, tmp_path: Path
) -> None:
    texts = [f"文{number}" for number in range(37)]
    (tmp_path / "texts.txt").write_text("\n".join(texts), "utf-8")
    outcome = run("explain", "--input", "texts.txt", "--model", base_path, "--json")
    assert [json.loads(line)["text"] for line in outcome.out.splitlines()] == texts


def test_a_server_is_asked_for_the_version(run: Run, server: str) -> None:
    outcome = run("explain", "房间", "--server", server, "--model-name", "hotel", "--json")
    assert outcome.code == 0, outcome.err
    answer = json.loads(outcome.out)
    assert answer["tokens"] == ["房间"]
    assert (answer["classification"], answer["model_version"]) == (1, 7)


@pytest.mark.parametrize(("width", "sizes"), [(None, [1] * 3), (-1, [1] * 3), (8, [3])])
def test_a_server_gets_texts_together_where_their_answers_are_of_one_width(
    run: Run, fake: FakeServer, server: str, width: int | None, sizes: list[int]
) -> None:
    """Stock may not survive to split a request whose parts have answers of other widths."""
    if width is not None:
        signatures = get_model_metadata_pb2.SignatureDefMap()
        tokens = signatures.signature_def["explain"].outputs["tokens"]
        for size in (-1, width):
            tokens.tensor_shape.dim.add(size=size)
        fake.info.metadata["signature_def"].Pack(signatures)
    outcome = run("explain", "一", "二", "三", "--server", server, "--json")
    assert outcome.code == 0, outcome.err
    assert [json.loads(line)["tokens"] for line in outcome.out.splitlines()] == [
        ["一"],
        ["二"],
        ["三"],
    ]
    asked_metadata, *asked = fake.sizes
    asked_names = [1]
    assert (asked_metadata, sorted(asked)) == (1, sorted([*sizes, *asked_names]))


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """A terminal of 40 columns."""
    for name, value in {"FORCE_COLOR": "1", "COLORTERM": "truecolor", "COLUMNS": "40"}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.delenv("NO_COLOR", raising=False)
    return monkeypatch


def test_a_terminal_shows_legend_label_probability_and_coloured_tokens(
    run: Run, base_path: Path, terminal: pytest.MonkeyPatch
) -> None:
    outcome = run("explain", "早餐差", "--model", base_path)
    assert "support" in outcome.out and "oppose" in outcome.out
    assert "v2:早餐差" in outcome.out and "300.0%" in outcome.out
    assert "\x1b[1;38;2;255;255;255;48;2;37;99;235m早" in outcome.out
    assert "+1.00" not in outcome.out, "the colour tells it"


def test_of_a_long_text_the_strongest_tokens_are_told_as_well(
    run: Run, base_path: Path, terminal: pytest.MonkeyPatch
) -> None:
    outcome = run("explain", "一二三四五六七八九十百千万", "--model", base_path)
    assert "strongest: 一 +1.00, 二 +1.00" in outcome.out


def test_no_color_means_no_escape_code_and_weights_that_can_be_read(
    run: Run, base_path: Path, terminal: pytest.MonkeyPatch
) -> None:
    terminal.setenv("NO_COLOR", "1")
    outcome = run("explain", "房间干净早餐差", "--model", base_path)
    assert "\x1b" not in outcome.out
    assert "差 +1.00" in outcome.out
    assert "weight" in outcome.out.splitlines()[0]
    assert len(outcome.out.splitlines()) > 4, "lines are broken at the terminal's width"


def test_a_page_stands_alone_and_cannot_be_broken_by_a_text(
    run: Run, base_path: Path, tmp_path: Path
) -> None:
    text = "<script>alert(1)</script>"
    flags = ("--model", base_path, "--html", "page.html", "--language", "en")
    outcome = run("explain", text, "房间", *flags)
    assert outcome.code == 0, outcome.err
    assert outcome.out == "" and "Written: page.html" in outcome.err
    page = (tmp_path / "page.html").read_text("utf-8")
    assert page.startswith("<!doctype html>") and page.rstrip().endswith("</html>")
    assert '<html lang="en">' in page and "prefers-color-scheme: dark" in page
    assert "<script" not in page and "http" not in page and "src=" not in page
    assert page.count("<article") == 2 and ">房<" in page and "v2:房间" in page
    assert [path.name for path in tmp_path.iterdir()] == ["page.html"]


def test_a_page_is_in_chinese_and_shows_display_names(
    run: Run, base_path: Path, tmp_path: Path
) -> None:
    (names,) = (path / LABEL_NAMES for path in base_path.iterdir() if path.name == "2")
    names.parent.mkdir(exist_ok=True)
    names.write_text('{"v2:房间": {"zh": "好评"}}', "utf-8")
    flags = ("--model", base_path, "--html", "page.html", "--language", "zh")
    assert run("explain", "房间", *flags).code == 0
    page = (tmp_path / "page.html").read_text("utf-8")
    names.unlink()
    assert '<html lang="zh-CN">' in page and "支持该标签" in page
    assert '<span class="label">好评</span>' in page


def test_a_language_without_a_page_is_refused(run: Run, base_path: Path) -> None:
    outcome = run("explain", "房间", "--model", base_path, "--language", "zh")
    assert outcome.code == 2
    assert "`--language` must go with `--html`. Received: `--language zh` alone." in outcome.err


def test_a_page_and_json_can_be_had_together(run: Run, base_path: Path, tmp_path: Path) -> None:
    outcome = run("explain", "房间", "--model", base_path, "--html", "p.html", "--json", "-q")
    assert json.loads(outcome.out)["label"] == "v2:房间"
    assert outcome.err == ""
    assert (tmp_path / "p.html").is_file()


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (("x", "--input", "t.txt"), "Either TEXT or `--input`"),
        (("x", "--model", "m", "--server", "localhost:1"), "Either `--model` or `--server`"),
        (("x", "--version", "1"), "need `--server`"),
        (("x", "--model", "absent"), "absent: must be a version's folder"),
        (("x", "--html", "absent/page.html"), "absent/page.html: must be a file in a folder"),
        (("--input", "t.txt"), "t.txt: cannot be read"),
    ],
)
def test_bad_input_is_told_in_one_line_before_tensorflow_is_imported(
    is_refused_at_once: Callable[..., None], args: tuple[str, ...], message: str
) -> None:
    is_refused_at_once(message, "explain", *args)
