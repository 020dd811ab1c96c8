from pathlib import Path

import pytest

from lstm_sentiment import FitResult, PipelineConfig
from lstm_sentiment.pipeline.exports import EXPORTS, Exports
from lstm_sentiment.pipeline.publishing import BEST, Publisher
from lstm_sentiment.version_digests import save_digests
from tests.recorder import Recorder


class KilledError(Exception):
    """Stands for the end of the process."""


def write(folder: Path, content: str) -> Path:
    (folder / "assets.extra").mkdir(parents=True)
    (folder / "saved_model.pb").write_text(content)
    save_digests(folder)
    return folder


@pytest.mark.parametrize("appears", [True, False])
def test_a_run_that_was_killed_about_the_export_exports_once(
    fitted: FitResult, tmp_path: Path, appears: bool
) -> None:
    base, run = tmp_path / "sentiment", tmp_path / "run"
    run.mkdir()
    write(base / "1", "of another run")
    calls = []

    def export(result: FitResult, base: Path, **given: object) -> Path:
        calls.append(result)
        folder = write(base / ".writing-a", f"export {len(calls)}")
        given["when_written"](folder)  # type: ignore[operator]
        if len(calls) == 1 and not appears:
            raise KilledError
        folder = folder.rename(base / "2")
        if len(calls) == 1:
            raise KilledError
        return folder

    config, recorder = PipelineConfig(model_dir=base), Recorder()
    with pytest.raises(KilledError):
        Publisher(config, export=export, run_dir=run).best(fitted, fitted.dev)
    if not appears:
        (base / ".writing-a").rename(tmp_path / "cleared")
    again = Publisher(config, recorder, export=export, run_dir=run)
    assert again.best(fitted, fitted.dev) == base / "2"
    assert len(calls) == (1 if appears else 2)
    assert bool(recorder.said) is appears
    assert sorted(folder.name for folder in base.iterdir()) == ["1", "2"]


def test_a_damaged_note_says_nothing(tmp_path: Path) -> None:
    exports = Exports(tmp_path, tmp_path / "sentiment")
    assert exports.find(BEST) is None
    for content in ("", "[]", "{", '{"best": 3}'):
        (tmp_path / EXPORTS).write_text(content)
        assert exports.find(BEST) is None
    exports.note(BEST, write(tmp_path / "sentiment" / "7", "graph"))
    assert exports.find(BEST) == tmp_path / "sentiment" / "7"
