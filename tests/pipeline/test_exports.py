from pathlib import Path

import pytest

from lstm_sentiment import FitResult, PipelineConfig
from lstm_sentiment.pipeline import publishing
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
        (tmp_path / EXPORTS).parent.mkdir(exist_ok=True)
        (tmp_path / EXPORTS).write_text(content)
        assert exports.find(BEST) is None
    exports.note(BEST, write(tmp_path / "sentiment" / "7", "graph"))
    assert exports.find(BEST) == tmp_path / "sentiment" / "7"


def test_what_was_served_before_the_label_moved_is_known_after_it_has(tmp_path: Path) -> None:
    assert Exports(tmp_path, tmp_path / "sentiment").served_before({3, 12}) == {3, 12}
    again = Exports(tmp_path, tmp_path / "sentiment")
    assert again.served_before({12, 13}) == {3, 12}
    assert again.find(BEST) is None


def test_a_run_killed_after_its_label_had_moved_keeps_what_a_server_still_answers_from(
    fitted: FitResult, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    base, run = tmp_path / "sentiment", tmp_path / "run"
    for version in (1, 2):
        write(base / str(version), f"version {version}")
    path = tmp_path / "models.config"
    path.write_text(
        f'model_config_list {{ config {{ name: "sentiment" base_path: "{base}" '
        'model_platform: "tensorflow" model_version_policy { all {} } '
        'version_labels { key: "best" value: 1 } } }'
    )

    def export(result: FitResult, base: Path, **given: object) -> Path:
        folder = write(base / ".writing-a", "export")
        given["when_written"](folder)  # type: ignore[operator]
        return folder.rename(base / "3")

    def killed(*_: object) -> None:
        raise KilledError

    config = PipelineConfig(model_dir=base, model_config_file=path, keep=1)
    with monkeypatch.context() as patch, pytest.raises(KilledError):
        patch.setattr(publishing, "remove_old_versions", killed)
        Publisher(config, export=export, run_dir=run).best(fitted, fitted.dev)
    Publisher(config, export=export, run_dir=run).best(fitted, fitted.dev)
    assert sorted(folder.name for folder in base.iterdir()) == ["1", "3"]
