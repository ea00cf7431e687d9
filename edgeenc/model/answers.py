"""What an app is told of one text: a vector, labels, tags or words, made of the model's output; one way a purpose.

Axis letters: T tokens, H hidden, V vocabulary, C labels, D dimensions of a vector.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from edgeenc.errors import UsageError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from tokenizers import Tokenizer

    Output: TypeAlias = NDArray[np.float32]

MOST_TOKENS = 5
"""Tokens that are offered for a masked one."""
NO_LABEL = ""
"""Predicted label of a word that the model did not see, such as one beyond its longest input."""


class Guess(NamedTuple):
    """A label or a token with its probability; of a tagger `word` says what was tagged."""

    label: str
    probability: float
    word: str = ""


Answer: TypeAlias = "NDArray[np.float64] | tuple[Guess, ...]"
"""Of an encoder the mean (H,) of the last hidden states, of one of sentence vectors the vector (D,). Of a classifier
every label, the likeliest first; of a tagger a guess for each word, with an empty label where the text was too long; of
a masked LM the likeliest tokens."""


class ReadText(NamedTuple):
    """One text as the model read it, without padding.

    Attributes:
        words: of a tagger; else the text alone.
        ids: (T) tokens, special ones included.
        places: where each word begins, below 0 for one that was truncated.
        output: (T, H), (T, V), (T, C) or, of a classifier of texts, (C), of sentence vectors (D).
    """

    words: tuple[str, ...]
    ids: tuple[int, ...]
    places: tuple[int, ...]
    output: Output


@dataclass(frozen=True, slots=True)
class Known:
    """What belongs to a model besides its output: its tokenizer, and of a classifier its labels by number."""

    tokenizer: Tokenizer
    labels: tuple[str, ...]


def vector(text: ReadText, _: Known) -> Answer:
    """Return the mean of the hidden states (H,)."""
    import numpy as np

    return text.output.astype(np.float64).mean(axis=0)


def text_vector(text: ReadText, _: Known) -> Answer:
    """Return the vector (D,) of the text as the model made it."""
    import numpy as np

    return text.output.astype(np.float64)


def labels(text: ReadText, known: Known) -> Answer:
    """Return every label, the likeliest first."""
    return _likeliest(text.output, known.labels, len(known.labels))


def tags(text: ReadText, known: Known) -> Answer:
    """Return the likeliest label of each word."""
    found = []
    for word, place in zip(text.words, text.places, strict=True):
        guess = Guess(NO_LABEL, 0.0) if place < 0 else _likeliest(text.output[place], known.labels, 1)[0]
        found.append(guess._replace(word=word))
    return tuple(found)


def tokens(text: ReadText, known: Known) -> Answer:
    """Return the likeliest tokens at the masked one.

    Raises:
        UsageError: the text has not exactly one mask token.
    """
    from edgeenc.text.specials import Specials

    special = Specials.of(known.tokenizer)
    if text.ids.count(special.mask) != 1:
        raise UsageError(
            f"a text with one {special.names.mask} is expected, found {text.ids.count(special.mask)} in"
            f" {' '.join(text.words)!r}"
        )
    names = [known.tokenizer.id_to_token(number) or "" for number in range(text.output.shape[-1])]
    return _likeliest(text.output[text.ids.index(special.mask)], names, MOST_TOKENS)


def _likeliest(logits_C: Output, names: Sequence[str], most: int) -> tuple[Guess, ...]:
    """Return the `most` likeliest names with their probabilities, the likeliest first.

    Worked example: logits 0 and log 3 of `a` and `b` give b 0.75 and a 0.25.
    """
    import numpy as np

    powers_C = np.exp(logits_C.astype(np.float64) - logits_C.max())
    share_C = powers_C / powers_C.sum()
    order: list[int] = np.argsort(-share_C, kind="stable")[:most].tolist()
    return tuple(Guess(names[place], float(share_C[place])) for place in order)
