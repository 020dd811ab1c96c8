"""What the parts of the light engine cost a text, by the size of the batch.

`python -m benchmarks.light.parts --model DIR`: CPU in microseconds, of tokenizing, of the network
and of the n-grams, for texts in random order; the least of some rounds.
"""

import json
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from benchmarks.asked_texts import shuffled_texts
from lstm_sentiment.light_twin.description import load_description
from lstm_sentiment.serving.light.network import LightNetwork
from lstm_sentiment.serving.light.ngrams import (
    LightCharacterView,
    LightNgramView,
    load_views,
    mixed,
)
from lstm_sentiment.serving.light.tokenization.tokenizer import load_tokenizer
from lstm_sentiment.version_folder import LIGHT, VOCABULARY, find_version

_SIZES = (1, 2, 4, 8, 16, 22, 32, 64)


def main(
    model: Annotated[Path, typer.Option(help="A version's folder, or a folder of versions.")],
    data: Annotated[
        Path | None, typer.Option(help="Texts to ask for. Default: the demo corpus.")
    ] = None,
    text_column: str = "text",
    texts: Annotated[int, typer.Option(help="Texts in a round.", min=64)] = 1024,
    rounds: Annotated[int, typer.Option(min=1)] = 3,
) -> None:
    """Measures the parts and prints a line for each size of batch."""
    version_dir = find_version(model)
    folder = version_dir / LIGHT
    twin = load_description(folder)
    tokenizer = load_tokenizer(folder, twin.tokenizer, version_dir / VOCABULARY)
    network = LightNetwork(folder, twin)
    views = load_views(folder, twin)
    every = shuffled_texts(data, text_column)
    raw = [text.encode() for text in every[:texts]]
    rows = [row[: twin.max_length] for row in tokenizer.encode(raw)]
    logits = network.logits(rows)

    def of_view(view: LightNgramView, batch: slice) -> object:
        return mixed([view], rows[batch], logits[batch])

    parts: dict[str, Callable[[slice], object]] = {
        "tokenizer": lambda batch: tokenizer.encode(raw[batch]),
        "network": lambda batch: network.logits(rows[batch]),
    }
    for view in views:
        name = "characters" if isinstance(view, LightCharacterView) else "ngrams"
        parts[name] = partial(of_view, view)
    for size in _SIZES:
        batches = [slice(start, start + size) for start in range(0, len(rows) - size + 1, size)]
        costs = [_microseconds(parts, batches) for _ in range(rounds)]
        line: dict[str, object] = {"benchmark": "light parts", "name": f"batches of {size}"}
        for part in parts:
            line[f"{part}_us"] = round(min(cost[part] for cost in costs) / size, 1)
        print(json.dumps(line), flush=True)


def _microseconds(
    parts: Mapping[str, Callable[[slice], object]], batches: Sequence[slice]
) -> dict[str, float]:
    """Measures the CPU of each part for a batch, the parts by turns as in a request."""
    costs = dict.fromkeys(parts, 0.0)
    for batch in batches:
        for name, run in parts.items():
            before = time.process_time()
            run(batch)
            costs[name] += time.process_time() - before
    return {name: cost / len(batches) * 1e6 for name, cost in costs.items()}


if __name__ == "__main__":
    typer.run(main)
