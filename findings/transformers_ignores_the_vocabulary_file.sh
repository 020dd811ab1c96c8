#!/usr/bin/env bash
# One would guess: `BertTokenizer(vocab_file="vocab.txt")` and `T5Tokenizer(vocab_file="spiece.model")` of transformers
# hold the words of that file. If a new release no longer takes the argument, it raises, as it does for no such file.
#
# What happens: since transformers 5 `vocab_file` is accepted, as every unknown keyword is, and never opened: the name
# of a file that does not exist does as well. The tokenizer holds its special tokens only, so every word becomes
# [UNK], and `LlamaTokenizer` returns no token at all. There is no error and no warning. `BertTokenizer` reads the
# file if the argument is called `vocab`; for a SentencePiece model only `from_pretrained` of its folder does.
# transformers 4.57.6 reads the file, and raises where it is missing. The notes of release 5 say that
# `vocab_file` cannot be used any more; the docstring of `T5Tokenizer` still describes it.
#
# Versions: transformers 5.24.0, tokenizers 0.23.3, sentencepiece 0.2.3, protobuf 7.36.2.
#
# Why it matters: `vocab_file=` stands in many programs with a vocabulary of their own, as for Chinese. After an
# upgrade they run on: texts with equally many words or characters get the same ids, the model learns little more
# than their lengths, and nothing names the reason. Check `len(tokenizer)` after it is made.
#
# Seen on Linux x86-64, Python 3.11:
#   vocab.txt has 10 tokens, spiece.model has 20
#   BertTokenizer(vocab_file=vocab.txt): 5 tokens, 很好 good is [UNK] [UNK] [UNK]
#   BertTokenizer(vocab_file=missing): 5 tokens, 很好 good is [UNK] [UNK] [UNK]
#   BertTokenizer(vocab=vocab.txt): 10 tokens, 很好 good is 很 好 good
#   T5Tokenizer(vocab_file=spiece.model): 104 tokens, ids of "good" [3, 2], of "hotel" [3, 2]
#   LlamaTokenizer(vocab_file=spiece.model): 3 tokens, ids of "good" [], of "hotel" []
#   T5Tokenizer.from_pretrained(folder): ids as in SentencePiece
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

python3 -m venv "$folder/env"
"$folder/env/bin/pip" install --quiet --disable-pip-version-check transformers==5.24.0 tokenizers==0.23.3 \
  sentencepiece==0.2.3 protobuf==7.36.2

cat >"$folder/vocabulary.py" <<'PYTHON'
"""Makes tokenizers from two vocabulary files, by the old and the new names of the argument."""
import warnings
from pathlib import Path

import sentencepiece
from transformers import BertTokenizer, LlamaTokenizer, T5Tokenizer

warnings.simplefilter("error")
SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
TOKENS = [*SPECIAL, "很", "好", "吃", "good", "hotel"]
Path("vocab.txt").write_text("".join(f"{token}\n" for token in TOKENS), "utf-8")
sentencepiece.SentencePieceTrainer.train(
    sentence_iterator=iter(["the hotel is good", "the room is bad"] * 10), model_prefix="spiece", vocab_size=20,
    pad_id=3, minloglevel=2,
)
processor = sentencepiece.SentencePieceProcessor(model_file="spiece.model")
print(f"vocab.txt has {len(TOKENS)} tokens, spiece.model has {len(processor)}")

for name, value, count, pieces in (
    ("vocab_file", "vocab.txt", 5, ["[UNK]"] * 3),
    ("vocab_file", "missing", 5, ["[UNK]"] * 3),
    ("vocab", "vocab.txt", 10, ["很", "好", "good"]),
):
    tokenizer = BertTokenizer(**{name: value})
    found = tokenizer.tokenize("很好 good")
    print(f"BertTokenizer({name}={value}): {len(tokenizer)} tokens, 很好 good is {' '.join(found)}")
    assert (len(tokenizer), found) == (count, pieces)


def ids(tokenizer, text):
    """Returns the ids of a text without special tokens around it."""
    return tokenizer(text, add_special_tokens=False)["input_ids"]


t5 = T5Tokenizer(vocab_file="spiece.model")
print(
    f"T5Tokenizer(vocab_file=spiece.model): {len(t5)} tokens, ids of \"good\" {ids(t5, 'good')}, "
    f"of \"hotel\" {ids(t5, 'hotel')}"
)
assert len(t5) == 104 and ids(t5, "good") == ids(t5, "hotel")

llama = LlamaTokenizer(vocab_file="spiece.model")
print(
    f"LlamaTokenizer(vocab_file=spiece.model): {len(llama)} tokens, ids of \"good\" {ids(llama, 'good')}, "
    f"of \"hotel\" {ids(llama, 'hotel')}"
)
assert len(llama) == 3 and ids(llama, "good") == ids(llama, "hotel") == []

for file in Path().glob("spiece.*"):
    Path("saved").mkdir(exist_ok=True)
    file.rename(Path("saved") / file.name)
saved = T5Tokenizer.from_pretrained("saved")
assert ids(saved, "good") == processor.encode("good") != ids(saved, "hotel") == processor.encode("hotel")
print("T5Tokenizer.from_pretrained(folder): ids as in SentencePiece")
PYTHON
cd "$folder"
HF_HUB_OFFLINE=1 env/bin/python vocabulary.py 2>log || { cat log; exit 1; }
