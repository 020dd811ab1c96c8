"""The model of a version becomes the next version, with the signatures of this release."""

import shutil
from dataclasses import replace
from pathlib import Path

import httpx
import numpy as np
import pytest

from lstm_sentiment import FitResult, ModelServer, export_servable, verify_version
from lstm_sentiment.errors import InvalidInputError, ServableNotFoundError
from lstm_sentiment.export.trained_version import load_trained_version
from lstm_sentiment.models_config.config import single_model_config
from lstm_sentiment.protocol.saved_model import signature_defs
from lstm_sentiment.text.tokenizer import make_tokenizer
from lstm_sentiment.version_folder import LIGHT
from lstm_sentiment.versions.loading import load_servable
from lstm_sentiment.versions.predictor import SavedModelPredictor
from lstm_sentiment.versions.reexports import reexport
from tests.exported import exported, read_card, tiny_version, write_card

TEXTS = ["房间很干净，服务非常好", "早餐真的差", "", "很😀"]


@pytest.fixture
def version_dir(fitted: FitResult, tmp_path: Path) -> Path:
    """A version without a twin, to be changed at will."""
    copy = shutil.copytree(exported(fitted), tmp_path / "sentiment" / "3")
    shutil.rmtree(copy / LIGHT)
    return copy


def test_the_new_version_is_the_old_one_again(version_dir: Path) -> None:
    new = reexport(version_dir.parent)
    assert new == version_dir.parent / "4"
    assert read_card(new) == read_card(version_dir)
    old_model, new_model = load_trained_version(version_dir), load_trained_version(new)
    assert old_model.vectors.tokens == new_model.vectors.tokens
    np.testing.assert_array_equal(old_model.vectors.matrix, new_model.vectors.matrix)
    np.testing.assert_array_equal(old_model.texts_seen, new_model.texts_seen)
    expected = SavedModelPredictor(version_dir).predict(TEXTS)
    for engine in ("light", "tensorflow"):
        answers = SavedModelPredictor(new, engine).predict(TEXTS)
        assert [one.label for one in answers] == [one.label for one in expected]
        np.testing.assert_allclose(
            [one.probabilities for one in answers],
            [one.probabilities for one in expected],
            atol=1e-5,
        )
        assert {one.model_version for one in answers} == {4}


def test_texts_are_cut_by_the_same_dictionary(fitted: FitResult, tmp_path: Path) -> None:
    counts = {"房间很": 9.0, "干净": 2.0, "很干": 40.0}
    tokenizer = make_tokenizer("unigram", fitted.tokenizer.vocabulary, word_counts=counts)
    old = export_servable(replace(fitted, tokenizer=tokenizer), tmp_path)
    (explanation,) = SavedModelPredictor(reexport(old)).explain(["房间很干净"])
    assert list(explanation.tokens) == tokenizer.tokenize("房间很干净")


def test_a_version_that_answers_otherwise_is_not_kept(version_dir: Path) -> None:
    card = read_card(version_dir)
    write_card(version_dir, {**card, "temperature": 3 * card["temperature"]})
    with pytest.raises(InvalidInputError, match="answers by 'text' must differ"):
        reexport(version_dir)
    assert [path.name for path in version_dir.parent.iterdir()] == ["3"]


def test_a_card_without_texts_is_enough(version_dir: Path) -> None:
    write_card(version_dir, {**read_card(version_dir), "examples": []})
    assert reexport(version_dir) == version_dir.parent / "4"


def test_what_is_no_version_of_this_package_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidInputError, match="must be a version that this release of `fit`"):
        reexport(tiny_version(tmp_path))
    with pytest.raises(ServableNotFoundError):
        reexport(tmp_path / "absent")


def test_texts_may_be_what_a_request_without_a_signature_sends(version_dir: Path) -> None:
    new = reexport(version_dir, default_signature="text")
    signatures = load_servable(version_dir, "tensorflow").signatures
    texts = np.array([text.encode() for text in TEXTS], object)
    for engine in ("light", "tensorflow"):
        servable = load_servable(new, engine)
        assert {*servable.signatures} == {*signatures, "ids"}
        answers = [servable.run(key, {"text": texts}) for key in ("serving_default", "text")]
        assert answers[0].keys() == answers[1].keys()
        for name, array in answers[0].items():
            np.testing.assert_array_equal(array, answers[1][name])
    # What a version has stays, until another is asked for.
    again = reexport(new)
    assert "ids" in signature_defs(again)
    back = signature_defs(reexport(again, default_signature="ids"))
    assert list(back["serving_default"].inputs) == ["input_sentence"]
    assert "ids" not in back


def test_a_client_that_names_no_signature_sends_texts(version_dir: Path) -> None:
    new = reexport(version_dir, default_signature="text")
    config = single_model_config("sentiment", new.parent)
    with ModelServer(config, port=0) as server:
        rest_api = f"127.0.0.1:{server.rest_api_port}"
        url = f"http://{rest_api}/v1/models/sentiment:predict"
        bodies = [{"instances": TEXTS}, {"signature_name": "text", "instances": TEXTS}]
        answer, expected = (httpx.post(url, json=body, timeout=60).json() for body in bodies)
        assert answer == expected
        assert len(answer["predictions"]) == len(TEXTS)
        # Ids are asked under their own name, over each transport.
        ways = verify_version(
            new,
            server=f"127.0.0.1:{server.port}",
            rest_api=rest_api,
            model_name="sentiment",
            timeout_seconds=60,
        ).ways
        assert {one.problem for one in ways} == {None}
        assert {one.way for one in ways if one.signature == "ids"} >= {"grpc", "rest"}
        assert "serving_default" not in {one.signature for one in ways}
