"""What any model must beat: TF-IDF of character n-grams, which needs no training and knows no language.

Axis letters: N texts that search, M texts that are searched, G n-grams.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from edgeenc.tasks.vectors.ranking import DIGITS

if TYPE_CHECKING:
    from sklearn.feature_extraction.text import TfidfVectorizer

SHORTEST, LONGEST = 2, 5
"""Characters of an n-gram, within words and the spaces beside them."""
PRECISION = "tf-idf"


def lexically_similar(searches: Sequence[str], searched: Sequence[str]) -> NDArray[np.float64]:
    """Return the similarities (N, M) of texts; n-grams are weighted by how rare they are among all of the texts."""
    read = _reader()
    read.fit(list(dict.fromkeys((*searched, *searches))))
    return np.round((read.transform(searches) @ read.transform(searched).T).toarray(), DIGITS)


def lexical_features(train: Sequence[str], test: Sequence[str]) -> tuple[object, object]:
    """Return sparse vectors (N, G) of training and test texts, weighted by how rare n-grams are in training."""
    read = _reader()
    return read.fit_transform(train), read.transform(test)


def _reader() -> TfidfVectorizer:
    from sklearn.feature_extraction.text import TfidfVectorizer

    return TfidfVectorizer(analyzer="char_wb", ngram_range=(SHORTEST, LONGEST), sublinear_tf=True)
