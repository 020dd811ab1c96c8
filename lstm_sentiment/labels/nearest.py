"""The most similar text that has a suspect's likely label."""

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix, diags

MOST_SUSPECTS = 2_000
"""The surest suspects get a nearest text; later ones would take long and are rarely read."""

_AT_ONCE = 200
_COMMON = 0.05  # n-grams of a larger share of the texts say little, and take most of the time
_LEAST_SIMILARITY = 0.1


def nearest_texts(
    rows: csr_matrix,
    labels: NDArray[np.int64],
    trusted: NDArray[np.bool_],
    suspects: NDArray[np.int64],
    likely: NDArray[np.int64],
) -> NDArray[np.int64]:
    """Finds, for each suspect, the most similar trusted text with the suspect's likely label.

    Similar are texts with a high cosine of their tf-idf rows.

    Args:
        rows: Rows of `TextFeatures`, `(texts, ngrams)`.
        labels: Label ids, `(texts,)`.
        trusted: Mask of the texts that may be found, `(texts,)`.
        suspects: Positions of the suspects, `(suspects,)`, the surest first.
        likely: Their likely label ids, `(suspects,)`.

    Returns:
        Positions of texts, `(suspects,)`; -1 where no text is similar.
    """
    found = np.full(len(suspects), -1)
    weighted = _weighted(rows)
    for label in np.unique(likely[:MOST_SUSPECTS]):
        texts = np.flatnonzero(trusted & (labels == label))
        if not len(texts):
            continue
        columns = weighted[texts].T.tocsc()
        asked = np.flatnonzero(likely[:MOST_SUSPECTS] == label)
        for first in range(0, len(asked), _AT_ONCE):
            part = asked[first : first + _AT_ONCE]
            similarity = (weighted[suspects[part]] @ columns).toarray()
            best = similarity.argmax(axis=1)
            similar = similarity[np.arange(len(part)), best] >= _LEAST_SIMILARITY
            found[part[similar]] = texts[best[similar]]
    return found


def _weighted(rows: csr_matrix) -> csr_matrix:
    """Returns the rows by inverse document frequency, without common n-grams, of length 1."""
    texts = rows.shape[0]
    counts = np.bincount(rows.indices, minlength=rows.shape[1])
    idf = np.log((1 + texts) / (1 + counts)) + 1
    idf[counts > max(2, _COMMON * texts)] = 0
    weighted = (rows.sign() @ diags(idf)).tocsr()
    weighted.eliminate_zeros()
    lengths = np.sqrt(np.asarray(weighted.multiply(weighted).sum(axis=1)).ravel())
    return (diags(1 / np.maximum(lengths, 1e-9)) @ weighted).tocsr()
