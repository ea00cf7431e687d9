"""Split examples by seed: a share is held out, with the same mix of labels, and equal texts stay on one side."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from edgeenc.tasks.item import Item
from edgeenc.tasks.task_kind import TaskKind
from edgeenc.text.corpus import fingerprint


def mark(item: Item) -> str:
    """Return what two items must share to be the same text: letters, marks and digits, case folded."""
    return fingerprint(" ".join(item.words))


def hold_out(
    items: Sequence[Item], kind: TaskKind, share: float, seed: int
) -> tuple[tuple[Item, ...], tuple[Item, ...]]:
    """Return the items that are kept and those held out, both in their order.

    Texts are lined up by label, shuffled within it, and held out at even steps along the line; so each label gives its
    share, to one text. The first text of every label is kept, so that none is held out whole. Tagged sentences are
    not lined up by label; what counts as one is the task kind's to say.

    Worked example: 6 texts a and 4 texts b, share 0.2: the line without its first of each label is a a a a a b b b; of
    each half of it the middle is held out: one a and one b.

    Args:
        items: at least two different texts.
        kind: says by what items are lined up.
        share: of the different texts, rounded; at least one.
        seed: the same seed and items give the same split.
    """
    firsts: dict[str, int] = {}
    leader = [firsts.setdefault(mark(item), place) for place, item in enumerate(items)]
    shuffled = np.random.default_rng(seed).permutation(list(firsts.values())).tolist()
    line, seen = [], set[str]()
    for place in sorted(shuffled, key=lambda place: kind.line_up(items[place])):
        label = kind.line_up(items[place])
        if label in seen:
            line.append(place)
        seen.add(label)
    count = min(max(1, round(share * len(firsts))), len(line))
    held = {line[int((step + 0.5) * len(line) / count)] for step in range(count)}
    kept = tuple(item for item, first in zip(items, leader, strict=True) if first not in held)
    return kept, tuple(item for item, first in zip(items, leader, strict=True) if first in held)
