"""What REST alone has: its JSON, paths and methods, by plain HTTP.

What both transports answer is in `tests/serving/test_protocol.py`.
"""

import base64
import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from lstm_sentiment.serving.server import ModelServer

TEXT_HINT = (
    " Without a `signature_name`, signature `serving_default` is called; it takes "
    "`input_sentence`. "
    'Send texts to signature `text`, as its input `text`: add "signature_name": "text".'
)


@pytest.fixture(scope="module")
def http(server: ModelServer) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=f"http://127.0.0.1:{server.rest_api_port}", timeout=30) as client:
        yield client


def predict(http: httpx.Client, document: Any, path: str = "/v1/models/sentiment") -> Any:
    response = http.post(f"{path}:predict", json=document)
    assert response.status_code == 200, response.text
    assert response.headers["content-type"] == "application/json"
    return response.json()


def test_rows_by_the_default_signature(http: httpx.Client) -> None:
    answer = predict(http, {"instances": [[1, 2], [3, 4]]})
    assert answer == {
        "predictions": [
            {"predict_classification": 1, "predict_scores": [2.0, 3.0]},
            {"predict_classification": 1, "predict_scores": [2.0, 7.0]},
        ]
    }


@pytest.mark.parametrize("instances", [["好", "b"], [{"text": "好"}, {"text": "b"}]])
def test_rows_of_texts_are_given_bare_or_by_name(http: httpx.Client, instances: list[Any]) -> None:
    answer = predict(http, {"signature_name": "text", "instances": instances})
    assert answer["predictions"][0] == {
        "label": "v2:好",
        "classification": 2,
        "probabilities": [2.0, 1.0],
    }
    assert len(answer["predictions"]) == 2


@pytest.mark.parametrize("inputs", [["好", "b"], {"text": ["好", "b"]}])
def test_columns(http: httpx.Client, inputs: Any) -> None:
    answer = predict(http, {"signature_name": "text", "inputs": inputs})
    assert answer == {
        "outputs": {
            "label": ["v2:好", "v2:b"],
            "classification": [2, 2],
            "probabilities": [[2.0, 1.0], [2.0, 1.0]],
        }
    }


def test_the_name_of_a_single_output_is_left_out(http: httpx.Client) -> None:
    document = {"signature_name": "scale", "instances": [{"x": [1, 0.5], "negate": True}]}
    assert predict(http, document) == {"predictions": [[-2.0, -1.0]]}


def test_bytes_travel_as_base64(http: httpx.Client) -> None:
    raw = {"b64": base64.b64encode(b"\xff\x00").decode()}
    answer = predict(http, {"signature_name": "bytes", "inputs": [raw]})
    twice = {"b64": base64.b64encode(b"\xff\x00\xff\x00").decode()}
    assert answer == {"outputs": {"out_bytes": [twice], "size": [2]}}


@pytest.mark.parametrize(
    ("path", "version"),
    [
        ("/v1/models/sentiment/versions/02", 2),
        ("/V1/Models/sentiment", 2),
        ("/v1/models/s%65ntiment/labels/stabl%65", 1),
    ],
)
def test_a_path_may_be_written_in_other_ways(http: httpx.Client, path: str, version: int) -> None:
    answer = predict(http, {"signature_name": "text", "inputs": ["a"]}, path)
    assert answer["outputs"]["label"] == [f"v{version}:a"]


SENTIMENT = "/v1/models/sentiment"
NOT_AN_EXAMPLE = "Example must be JSON object but got JSON Number"


def classify(http: httpx.Client, document: Any, path: str = SENTIMENT) -> Any:
    response = http.post(f"{path}:classify", json={"signature_name": "classify", **document})
    assert response.status_code == 200, response.text
    assert response.headers["content-type"] == "application/json"
    return response.json()


def test_examples_are_classified_in_order(http: httpx.Client) -> None:
    raw = {"b64": base64.b64encode("好".encode()).decode()}
    answer = classify(http, {"examples": [{"text": raw}, {"text": ["bad"]}]})
    assert answer == {
        "results": [[["v2:好", 2.0], ["length", 1.0]], [["v2:bad", 2.0], ["length", 3.0]]]
    }


@pytest.mark.parametrize(
    ("path", "body", "status", "message"),
    [
        (
            f"{SENTIMENT}/versions/99999999999999999999:predict",
            '{"inputs": 1}',
            400,
            "Failed to convert version: 99999999999999999999 to numeric.",
        ),
        (f"{SENTIMENT}:predict", "", 400, "JSON Parse error: The document is empty"),
        ("/v1/models/m:predict", "", 400, "JSON Parse error: The document is empty"),
        (f"{SENTIMENT}:predict", "{}", 400, "Missing 'inputs' or 'instances' key"),
        (
            f"{SENTIMENT}:predict",
            '{"instances": ["x"]}',
            400,
            "Failed to process element: 0 of 'instances' list. Error: INVALID_ARGUMENT: "
            'JSON Value: "x" Type: String is not of expected type: int64' + TEXT_HINT,
        ),
        (
            f"{SENTIMENT}:classify",
            "{}",
            400,
            "JSON Value: {} When method is classify, key 'examples' is expected and was not found",
        ),
        (f"{SENTIMENT}:classify", "", 400, "JSON Parse error: The document is empty"),
        ("/v1/models/m:classify", '{"examples": [1]}', 400, NOT_AN_EXAMPLE),
        (f"{SENTIMENT}:PREDICT", "{}", 400, f"Malformed request: POST {SENTIMENT}:PREDICT"),
        ("/v1/models/%zz:predict", "{}", 400, "Malformed request: POST /v1/models/%zz:predict"),
        (
            f"{SENTIMENT}:predict",
            '{"signature_name": "__saved_model_init_op", "instances": ["a"]}',
            400,
            "Failed to get input map for signature: __saved_model_init_op",
        ),
        (
            f"{SENTIMENT}:predict",
            '{"instances": [{"text": "x"}]}',
            400,
            "Failed to process element: 0 key: text of 'instances' list. Error: INVALID_ARGUMENT: "
            "JSON object: does not have named input: text" + TEXT_HINT,
        ),
        (
            f"{SENTIMENT}:predict",
            '{"signature_name": "serving_default", "inputs": "x"}',
            400,
            'JSON Value: "x" Type: String is not of expected type: int64',
        ),
        (f"{SENTIMENT}:explain", "{}", 400, f"Malformed request: POST {SENTIMENT}:explain"),
        (SENTIMENT, "{}", 400, f"Malformed request: POST {SENTIMENT}"),
        (
            f"{SENTIMENT}/versions/x:predict",
            "{}",
            400,
            f"Malformed request: POST {SENTIMENT}/versions/x:predict",
        ),
        (
            "/v1/models/a%2Fb:predict",
            '{"inputs": 1}',
            404,
            "Servable not found for request: Latest(a/b)",
        ),
        (
            "/v1/models/%FF:predict",
            '{"inputs": 1}',
            404,
            "Servable not found for request: Latest(\ufffd)",
        ),
    ],
)
def test_a_request_that_cannot_be_answered_is_refused_as_by_tensorflow_serving(
    http: httpx.Client, path: str, body: str, status: int, message: str
) -> None:
    response = http.post(path, content=body)
    assert (response.status_code, response.json()) == (status, {"error": message})
    assert response.headers["content-type"] == "application/json"


def test_metadata_has_tensorflow_serving_s_json(http: httpx.Client) -> None:
    response = http.get(f"{SENTIMENT}/metadata")
    assert response.status_code == 200
    document = response.json()
    assert document.keys() == {"model_spec", "metadata"}
    assert document["model_spec"] == {"name": "sentiment", "signature_name": "", "version": "2"}
    signatures = document["metadata"]["signature_def"]["signature_def"]
    assert {"serving_default", "text", "classify"} <= signatures.keys()
    ids = signatures["serving_default"]["inputs"]["input_sentence"]
    open_dim = {"size": "-1", "name": ""}
    assert ids["dtype"] == "DT_INT64"
    assert ids["tensor_shape"] == {"dim": [open_dim, open_dim], "unknown_rank": False}
    assert signatures["text"]["method_name"] == "tensorflow/serving/predict"
    assert signatures["text"]["outputs"].keys() == {"label", "classification", "probabilities"}


def test_status_of_all_versions_has_tensorflow_serving_s_json(http: httpx.Client) -> None:
    response = http.get(SENTIMENT)
    assert response.status_code == 200
    ok = {"error_code": "OK", "error_message": ""}
    assert response.json() == {
        "model_version_status": [
            {"version": "2", "state": "AVAILABLE", "status": ok},
            {"version": "1", "state": "AVAILABLE", "status": ok},
        ]
    }


def test_all_models_are_listed_with_states_and_labels(http: httpx.Client) -> None:
    response = http.get("/v1/models")
    assert (response.status_code, response.headers["content-type"]) == (200, "application/json")
    assert response.json() == {
        "models": [
            {
                "name": "sentiment",
                **http.get(SENTIMENT).json(),
                "version_labels": {"stable": "1", "canary": "2"},
            }
        ]
    }


@pytest.mark.parametrize(
    ("method", "path", "status", "message"),
    [
        ("GET", "/v1/models/versions/1", 400, "Missing model name in request."),
        ("GET", "/v1/models/", 400, "Malformed request: GET /v1/models/"),
        ("POST", "/v1/models", 400, "Malformed request: POST /v1/models"),
        ("OPTIONS", f"{SENTIMENT}:predict", 400, "Origin header is missing in CORS preflight"),
        ("OPTIONS", "/x", 404, "Not found"),
        ("GET", f"{SENTIMENT}:predict", 400, f"Malformed request: GET {SENTIMENT}:predict"),
        ("GET", f"{SENTIMENT}/x", 400, f"Malformed request: GET {SENTIMENT}/x"),
        ("GET", "/v1/", 400, "Malformed request: GET /v1/"),
        ("DELETE", SENTIMENT, 400, f"Malformed request: DELETE {SENTIMENT}"),
        ("TRACE", SENTIMENT, 501, "the method of the request is not known."),
        ("GET", "/v1/models/a|b", 400, "Malformed request: GET /v1/models/a|b"),
        ("GET", "/x", 404, "Not found"),
        ("POST", "/v2/models/sentiment:predict", 404, "Not found"),
        (
            *("GET", "/v2/models/sentiment/infer", 405),
            "the method must be one of: POST. Received: GET.",
        ),
        (
            "DELETE",
            "/readyz",
            405,
            "the method must be one of: GET, OPTIONS, HEAD. Received: DELETE.",
        ),
    ],
)
def test_other_paths_and_methods(
    http: httpx.Client, method: str, path: str, status: int, message: str
) -> None:
    response = http.request(method, path)
    assert (response.status_code, response.json()) == (status, {"error": message})


@pytest.mark.parametrize(
    "path",
    [
        *["/v1/models", SENTIMENT, f"{SENTIMENT}/versions/1", f"{SENTIMENT}/metadata"],
        *["/v1/models/unknown", "/v2", "/v2/health/live", "/v2/models/sentiment/ready"],
        *["/v2/models/sentiment", "/healthz", "/openapi.json"],
    ],
)
def test_head_is_answered_as_get(http: httpx.Client, path: str) -> None:
    """As monitors and `curl -I` send it; RFC 9110 (9.1) requires it of every server."""
    got, told = http.get(path), http.head(path)
    assert (told.status_code, told.headers) == (got.status_code, got.headers)


def test_a_preflight_is_taken_and_nobody_let_in(http: httpx.Client) -> None:
    response = http.options("/v1/x", headers={"Origin": "https://a"})
    assert (response.status_code, response.content) == (200, b"")
    assert not any(name.startswith("access-control") for name in response.headers)


def test_a_query_string_is_no_part_of_the_path(http: httpx.Client) -> None:
    assert http.get(f"{SENTIMENT}?pretty").status_code == 200


def test_answers_may_hold_nan_and_infinity(http: httpx.Client) -> None:
    body = '{"signature_name": "scale", "inputs": {"x": [[NaN, Infinity]], "negate": [false]}}'
    answer = json.loads(http.post(f"{SENTIMENT}:predict", content=body).text)
    assert str(answer["outputs"]) == "[[nan, inf]]"
