"""Named hypothesis strategies: what users' texts, tokens and ids can be."""

from hypothesis import strategies as st

from lstm_sentiment.text.vocabulary import OOV_ID

token_ids = st.integers(min_value=OOV_ID, max_value=2**31 - 1)
"""Ids of real tokens, known or not; never padding."""

id_sequences = st.lists(token_ids, max_size=40)
"""The ids of one text, an empty one included."""

id_batches = st.lists(id_sequences, min_size=1, max_size=8)
"""The ids of several texts."""

any_texts = st.one_of(
    st.text(st.characters(exclude_categories=())),
    st.text(
        st.sampled_from(
            "房间很干净 \t\u3000\x00\x1b\ud83d\ude00😀👨‍👩‍👧é'’,。!_1aZİß\ufeff\ufffd\U0010ffff"
        )
    ),
)
"""Whatever a string can hold: emoji, control characters, lone surrogates."""

tokens = st.text(
    st.characters(exclude_categories=("Cs", "Cc", "Zs", "Zl", "Zp")), min_size=1, max_size=6
)
"""What can be a token of every tokenizer's vocabulary: no whitespace, no control characters."""

vocabularies = st.lists(tokens, min_size=1, max_size=30, unique=True)
"""The tokens of a vocabulary."""

odd_tokens = st.text(
    st.characters(exclude_categories=["Cs"], exclude_characters="\n\r"), min_size=1, max_size=6
)
"""Whatever can stand on one line: spaces, control characters and Unicode's line separators too."""

odd_vocabularies = st.lists(odd_tokens, min_size=1, max_size=30, unique=True)
"""The tokens of a vocabulary that somebody else made."""
