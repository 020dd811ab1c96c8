import ast
import subprocess
import sys
from pathlib import Path

import lstm_sentiment


def declared_for_type_checkers() -> dict[str, str]:
    """Public names and their modules, as the stub imports them."""
    stub = Path(lstm_sentiment.__file__).with_suffix(".pyi").read_text("utf-8")
    return {
        alias.name: f"lstm_sentiment.{node.module}"
        for node in ast.parse(stub).body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }


def test_every_name_is_there_and_comes_from_where_it_says() -> None:
    names = declared_for_type_checkers()
    for name, module in names.items():
        assert getattr(lstm_sentiment, name) is getattr(sys.modules[module], name)
    assert set(lstm_sentiment.__all__) == {*names, "__version__"}
    assert set(dir(lstm_sentiment)) == set(lstm_sentiment.__all__)


def test_an_unknown_name_is_an_attribute_error() -> None:
    assert not hasattr(lstm_sentiment, "no_such_name")


def test_the_import_is_quick() -> None:
    code = "import sys, lstm_sentiment; assert 'tensorflow' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_type_information_is_shipped() -> None:
    assert Path(lstm_sentiment.__file__).with_name("py.typed").is_file()
