"""Stands in for the module whose operations are called directly."""

from tensorflow_text import Operations

gen_sentencepiece_tokenizer = Operations()
