"""A look at a file that tells one kind of what is no text, and what every such look needs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from edgeenc.text.beginning import Beginning

USE_DATA = "labelled data goes to --task NAME --data FILE"
ENOUGH = 0.95
"""Share of the first lines that must look like rows; the rest may be broken."""
FEWEST = 5
"""Lines under which little is concluded from their look alone."""


@dataclass(frozen=True, slots=True)
class Look:
    """What tells one kind of file that is no text.

    Attributes:
        name: of the kind.
        said: gives what a file that begins so is, and what to do with it; nothing where it is not of the kind.
        rank: who is asked first, 0 before 1; what needs lines is asked after what tells whether there are any.
        is_text: whether it is text after all, but not as it must be: then it is refused in a folder too.
    """

    name: str
    said: Callable[[Beginning], str]
    rank: int = 1
    is_text: bool = False


def most(told: Iterable[object], share: float = ENOUGH) -> bool:
    """Tell whether so large a share of the answers is yes; of no answers it is not."""
    answers = [bool(one) for one in told]
    return sum(answers) >= share * len(answers) > 0


def usual(sizes: Iterable[int]) -> int:
    """Return the commonest number, 0 where there is none."""
    found = Counter(sizes).most_common(1)
    return found[0][0] if found else 0
