"""Trains a text classifier on labelled texts and serves it over TensorFlow Serving's protocol.

The public names are those of `__init__.pyi`. Each is imported when it is first used, so that
`import lstm_sentiment` is quick and loads no TensorFlow.
"""

import lazy_loader

__version__ = "0.1.0"

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
