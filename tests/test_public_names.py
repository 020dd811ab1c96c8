import ast
import subprocess
import sys
from pathlib import Path

import lstm_sentiment


def declared_for_type_checkers() -> dict[str, str]:
    """Public names and their modules, as the TYPE_CHECKING block imports them."""
    tree = ast.parse(Path(lstm_sentiment.__file__).read_text("utf-8"))
    return {
        alias.name: node.module
        for block in ast.walk(tree)
        if isinstance(block, ast.If)
        for node in ast.walk(block)
        if isinstance(node, ast.ImportFrom) and node.module
        for alias in node.names
    }


def test_all_is_sorted_and_holds_what_type_checkers_see() -> None:
    names = set(lstm_sentiment.__all__)
    assert names == {*declared_for_type_checkers(), "__version__"}
    assert list(lstm_sentiment.__all__) == sorted(names, key=lambda n: (_kind(n), n))


def _kind(name: str) -> int:
    """Constants, then classes, then the rest, as ruff's RUF022 sorts."""
    return 0 if name.isupper() else 1 if name[0].isupper() else 2


def test_every_name_is_there_and_comes_from_where_it_says() -> None:
    for name, module in declared_for_type_checkers().items():
        assert getattr(lstm_sentiment, name) is getattr(sys.modules[module], name)
    assert set(dir(lstm_sentiment)) == set(lstm_sentiment.__all__)


def test_an_unknown_name_is_an_attribute_error() -> None:
    assert not hasattr(lstm_sentiment, "no_such_name")


def test_the_import_is_quick() -> None:
    code = "import sys, lstm_sentiment; assert 'tensorflow' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_type_information_is_shipped() -> None:
    assert Path(lstm_sentiment.__file__).with_name("py.typed").is_file()
