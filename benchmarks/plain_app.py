"""The app that a user would write without a model server: Starlette, `model.predict` per request.

    python -m benchmarks.plain_app models/sentiment/1 8080

Prints a line when the model is loaded; a moment later it can be asked.
"""

import sys
from pathlib import Path

import keras
import numpy as np
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from lstm_sentiment.export.trained_version import load_trained_version


def main() -> None:
    """Loads the model of a version and answers on a port."""
    version = load_trained_version(Path(sys.argv[1]))
    model, tokenizer = version.weights.model, version.tokenizer()
    labels, max_length = version.weights.label_names, model.config.max_length

    def answer(text: str) -> dict[str, object]:
        ids = keras.utils.pad_sequences(
            [tokenizer.encode(text)], maxlen=max_length, padding="post", truncating="post"
        )
        logits = model.predict(ids, verbose=0)[0]
        probabilities = np.exp(logits - logits.max())
        probabilities /= probabilities.sum()
        return {"label": labels[int(logits.argmax())], "probabilities": probabilities.tolist()}

    async def predict(request: Request) -> JSONResponse:
        return JSONResponse(answer((await request.json())["text"]))

    answer("warm")
    print("ready", flush=True)
    app = Starlette(routes=[Route("/predict", predict, methods=["POST"])])
    uvicorn.run(app, port=int(sys.argv[2]), log_config=None)


if __name__ == "__main__":
    main()
