"""Inputs that a SavedModel gives a default."""

import asyncio
import json
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from lstm_sentiment.errors import InvalidInputError
from lstm_sentiment.serving.inference.metadata import metadata_to_json
from lstm_sentiment.serving.inference.results import ModelSpec
from lstm_sentiment.serving.rest_api.json_tensor import parse_predict_request
from lstm_sentiment.serving.saved_model.saved_model import SavedModelServable, load_saved_model
from lstm_sentiment.serving.servable_id import ServableId
from tests.serving.fake_servables import plane_of


class Scaled(tf.Module):
    """Multiplies by 2, unless told otherwise."""

    @tf.function(input_signature=[tf.TensorSpec([None], tf.float32), tf.TensorSpec([], tf.float32)])
    def scaled(self, x: Any, times: Any = tf.constant(2.0)) -> dict[str, Any]:  # noqa: B008
        return {"y": x * times}


@pytest.fixture(scope="module")
def servable(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SavedModelServable]:
    folder = tmp_path_factory.mktemp("defaults") / "1"
    module = Scaled()
    tf.saved_model.save(module, str(folder), signatures={"serving_default": module.scaled})
    servable = load_saved_model(folder)
    yield servable
    servable.close()


def answer(servable: SavedModelServable, inputs: Mapping[str, Any]) -> Any:
    asked = plane_of(servable).predict(ModelSpec("m"), "", lambda signature: inputs)
    return asyncio.run(asked).outputs["y"].tolist()


def test_an_absent_input_takes_its_default(servable: SavedModelServable) -> None:
    x = np.array([1, 2], np.float32)
    assert answer(servable, {"x": x}) == [2, 4]
    assert answer(servable, {"x": x, "times": np.float32(3)}) == [3, 6]
    with pytest.raises(InvalidInputError, match=r"alias: x.* or default input alias set: times$"):
        answer(servable, {"times": np.float32(3)})


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        ({"inputs": {"x": [1, 2]}}, [2, 4]),
        ({"inputs": {"x": [1, 2], "times": 3}}, [3, 6]),
        ({"instances": [{"x": 1}, {"x": 2}]}, [2, 4]),
    ],
)
def test_json_may_leave_it_out_too(
    servable: SavedModelServable, document: Any, expected: Any
) -> None:
    request = parse_predict_request(json.dumps(document).encode())
    inputs = request.inputs(servable.signatures["serving_default"])
    assert answer(servable, inputs) == expected


def test_instances_leave_out_the_same_inputs(servable: SavedModelServable) -> None:
    request = parse_predict_request(b'{"instances": [{"x": 1, "times": 3}, {"x": 2}]}')
    with pytest.raises(InvalidInputError, match=r"keys must be equal to: times,x$"):
        request.inputs(servable.signatures["serving_default"])


def test_metadata_has_the_default(servable: SavedModelServable) -> None:
    """As in `get_model_metadata_impl.cc` of tensorflow/serving, commit 9d981c5c.

    Only `tfrt_servable.cc`, which `tensorflow_model_server` does not use, leaves defaults out since
    release 2.20 (commit 5083127).
    """
    document = json.loads(metadata_to_json(ServableId("m", 1), servable.signature_defs))
    definitions = document["metadata"]["signature_def"]["signature_def"]
    assert definitions["serving_default"]["defaults"]["times"]["dtype"] == "DT_FLOAT"
