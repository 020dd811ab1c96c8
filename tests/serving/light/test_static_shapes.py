"""The shape of every output, but for the batch, does not depend on what else is in the batch.

Servers join parts of batches, and take for granted that all other dimensions are the same.
"""

from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from lstm_sentiment import FitResult
from lstm_sentiment.serving.batching.batching_servable import BatchingServable
from lstm_sentiment.serving.batching.parameters import BatchingParameters
from lstm_sentiment.serving.batching.scheduler import BatchScheduler
from lstm_sentiment.serving.servable import Signature
from lstm_sentiment.serving.servable_id import ServableId
from lstm_sentiment.unicode import replace_surrogates
from tests import strategies
from tests.export.test_signatures import example_of
from tests.exported import exported
from tests.serving.light.engines import INPUTS, Engines, both_engines, strings

WHOLE_EXPORTS = True

SIGNATURES = ("serving_default", "text", "tokens", "classify", "explain", "text_statistics")
LONG = "酒店特别脏 " * 30

Ask = Callable[[str, np.ndarray], Mapping[str, np.ndarray]]

batches = st.lists(
    st.one_of(strategies.any_texts, st.sampled_from(["", " ", "房间", LONG])),
    min_size=1,
    max_size=4,
)


@pytest.fixture(scope="module")
def version_dir(fitted: FitResult) -> Path:
    return exported(fitted)


@pytest.fixture(scope="module")
def engines(version_dir: Path) -> Engines:
    return both_engines(version_dir)


@pytest.fixture(scope="module")
def declared(engines: Engines) -> Mapping[str, Signature]:
    return engines[0].signatures


@pytest.fixture(params=["light", "graph"], scope="module")
def ask(request: pytest.FixtureRequest, engines: Engines) -> Ask:
    light, graph = engines
    if request.param == "graph":
        return graph.run
    return lambda key, rows: light.run(key, {INPUTS.get(key, "text"): rows})


def rows_of(signature: str, texts: list[str]) -> np.ndarray:
    """What a client sends for texts; ids of a text are made of its characters."""
    if signature == "classify":
        return strings([example_of(text) for text in texts])
    if signature != "serving_default":
        return strings(texts)
    ids = np.zeros((len(texts), max(map(len, texts)) + 1), np.int64)
    for row, text in zip(ids, texts, strict=True):
        row[: len(text)] = [1 + ord(character) % 20 for character in text]
    return ids


def test_every_signature_declares_all_but_the_batch(declared: Mapping[str, Signature]) -> None:
    assert set(declared) == set(SIGNATURES)
    for key, signature in declared.items():
        for name, output in signature.outputs.items():
            assert output.shape is not None and output.shape[0] is None, (key, name)
            assert None not in output.shape[1:], (key, name)


@pytest.mark.parametrize("key", SIGNATURES)
@given(texts=batches)
@example(texts=["", LONG])
@example(texts=["", " "])
@settings(max_examples=8)
def test_a_row_is_answered_alike_in_any_company(
    ask: Ask, declared: Mapping[str, Signature], key: str, texts: list[str]
) -> None:
    texts = [replace_surrogates(text) for text in texts]
    together = ask(key, rows_of(key, texts))
    alone = [ask(key, rows_of(key, [text])) for text in texts]
    for name, info in declared[key].outputs.items():
        assert info.shape is not None
        assert together[name].shape == (len(texts), *info.shape[1:])
        assert {one[name].shape for one in alone} == {(1, *info.shape[1:])}
        assert_equal(together[name], np.concatenate([one[name] for one in alone]))


@given(parts=st.lists(batches, min_size=1, max_size=3))
@settings(max_examples=10)
def test_requests_that_are_split_and_joined_are_answered_alike(
    engines: Engines, parts: list[list[str]]
) -> None:
    light = engines[0]
    scheduler = BatchScheduler(
        BatchingParameters(
            max_batch_size=10, enable_large_batch_splitting=True, max_execution_batch_size=2
        )
    )
    batching = BatchingServable(light, ServableId("m", 1), scheduler)
    scheduler.start()
    try:
        for key in ("text", "tokens", "classify", "explain"):
            assert batching.batches(key)
            for texts in parts:
                rows = rows_of(key, [replace_surrogates(text) for text in texts])
                inputs = {INPUTS.get(key, "text"): rows}
                answer, expected = batching.run(key, inputs), light.run(key, inputs)
                for name, array in expected.items():
                    assert_equal(answer[name], array)
    finally:
        scheduler.stop()


@given(texts=batches)
@settings(max_examples=15)
def test_no_token_is_empty_as_padding_is(ask: Ask, texts: list[str]) -> None:
    """So readers may take empty tokens off the end."""
    rows = strings([replace_surrogates(text) for text in texts])
    counts = ask("text_statistics", rows)
    read = counts["num_tokens"] - counts["num_truncated"]
    answer = ask("explain", rows)
    for number, tokens, attributions in zip(
        read, answer["tokens"], answer["attributions"], strict=True
    ):
        # A text without tokens is read as one unknown token.
        assert all(tokens[:number]) or (number == 1 and not tokens[0])
        assert not any(tokens[number:]) and not attributions[number:].any()


@pytest.mark.parametrize("key", SIGNATURES)
@pytest.mark.parametrize("count", [0, 70])
def test_no_text_and_many(
    ask: Ask, declared: Mapping[str, Signature], key: str, count: int
) -> None:
    texts = [["", "房间", LONG][place % 3] for place in range(count)]
    rows = rows_of(key, texts) if count else rows_of(key, [""])[:0]
    answer = ask(key, rows)
    for name, info in declared[key].outputs.items():
        assert info.shape is not None
        assert answer[name].shape == (count, *info.shape[1:])


def assert_equal(given: np.ndarray, expected: np.ndarray) -> None:
    if given.dtype.kind == "f":
        np.testing.assert_allclose(given, expected, atol=1e-5)
    else:
        assert given.tolist() == expected.tolist()
