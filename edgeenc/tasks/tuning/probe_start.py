"""Let a head start as a linear probe of the encoder, not at random: what the encoder knows is then kept from the start.

From a random head the first steps push the encoder towards it, and away from what it had learnt. A probe costs seconds.

Source: linear probing, then fine-tuning: arXiv:2202.10054.

Axis letters: N words, F features of the head's layer, C labels.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from edgeenc.model.classifier import TaskModel
from edgeenc.model.family import LastLayer
from edgeenc.tasks.encode import Encoded, by_length, padded
from edgeenc.tasks.item import NOWHERE

MOST_WORDS = 5000
"""Words, or texts, that a probe learns from: more say little more."""
STRENGTH = 0.1
"""Inverse of the L2 penalty on weights for features of deviation 1: of 0.03, 0.1, 0.3, 1 and 3 the best (LOG.md)."""
INSIDE = 0.25
"""Deviation of what goes into the head's dense layer after it: an activation such as tanh is nearly straight there."""
LEAST_SPREAD = 0.1
"""Of the size of features, below which their deviation counts as this: a head that makes up for less magnifies noise,
which no training undoes (an encoder whose texts all have one vector ended at chance, LOG.md)."""
TINY = 1e-6
MOST_STEPS = 200
BATCH = 16

Rows = Sequence[tuple[int, int, int]]
"""Of each word: number of its item, place of its token, number of its label."""


def start_as_probe(model: TaskModel, encoded: Encoded, labels: Sequence[Sequence[str]], last: LastLayer | None) -> None:
    """Change the head of a fresh task model in place.

    Args:
        model: its head is as the library starts it, or as `start_as_mean` does.
        encoded: training items, the labelled ones first.
        labels: of each word of each labelled item.
        last: where the dense layer of a head lies that `start_as_mean` made a rotation; None where it did not.
    """
    number = {label: i for i, label in enumerate(model.labels)}
    every = (
        (item, place, number[label])
        for item, (places, said) in enumerate(zip(encoded.places, labels, strict=False))
        for place, label in zip(places, said, strict=True)
        if place != NOWHERE
    )
    rows = list(islice(every, MOST_WORDS))
    if not rows:
        return
    modules = dict(model.model.named_modules())
    if last is not None:
        dense = next(module for name, module in modules.items() if f".{name}".endswith(f".{last.dense}"))
        _centre(dense, _inputs(model, dense, encoded, rows))
    heads = [one for one in modules.values() if isinstance(one, nn.Linear) and one.out_features == len(model.labels)]
    head = heads[-1]  # a classifier is made after its encoder
    features_NF = _inputs(model, head, encoded, rows)
    size = _size(features_NF) if last is None else INSIDE
    _fit(head, features_NF, torch.tensor([label for _, _, label in rows]), size)


def _centre(dense: nn.Module, features_NF: Tensor) -> None:
    """Let the head's dense layer, which starts as a rotation, take the mean away and give `INSIDE` as deviation."""
    assert isinstance(dense, nn.Linear)
    with torch.no_grad():
        dense.weight.mul_(INSIDE / _deviation(features_NF, _size(features_NF)))
        dense.bias.copy_(-dense.weight @ features_NF.mean(0))


def _fit(head: nn.Linear, features_NF: Tensor, labels_N: Tensor, size: float) -> None:
    """Fit the last layer by a logistic regression, and write it for features as they come.

    Args:
        head: changed in place.
        features_NF: what comes into it.
        labels_N: numbers of the labels.
        size: of features, of which their deviation is at least the share `LEAST_SPREAD`.
    """
    mean_F, deviation = features_NF.mean(0), _deviation(features_NF, size)
    apart_NF = (features_NF - mean_F) / deviation
    probe = nn.Linear(head.in_features, head.out_features)
    for tensor in probe.parameters():
        nn.init.zeros_(tensor)
    solver = torch.optim.LBFGS(probe.parameters(), max_iter=MOST_STEPS, line_search_fn="strong_wolfe")

    def loss() -> Tensor:
        solver.zero_grad()
        penalty = probe.weight.square().sum() / (2 * STRENGTH * len(labels_N))
        value = F.cross_entropy(probe(apart_NF), labels_N) + penalty
        value.backward()
        return value

    with torch.enable_grad():
        solver.step(loss)
    with torch.no_grad():
        head.weight.copy_(probe.weight / deviation)
        if head.bias is not None:
            head.bias.copy_(probe.bias - head.weight @ mean_F.to(head.weight))


def _deviation(features_NF: Tensor, size: float) -> float:
    """Return the deviation of all features from their means together, at least a share of their size."""
    return max(_size(features_NF - features_NF.mean(0)), LEAST_SPREAD * size, TINY)


def _size(features_NF: Tensor) -> float:
    """Return the root of the mean square."""
    return float(features_NF.square().mean().sqrt())


@torch.no_grad()
def _inputs(model: TaskModel, layer: nn.Module, encoded: Encoded, rows: Rows) -> Tensor:
    """Return what comes into a layer of the head (N, F) at the places of `rows`, which are in the order of items."""
    seen = list[Tensor]()
    hook = layer.register_forward_hook(lambda _, given, __: seen.append(given[0].float().cpu()))
    places: dict[int, list[int]] = {}
    for item, place, _ in rows:
        places.setdefault(item, []).append(place)
    found: dict[int, Tensor] = {}
    try:
        for numbers in by_length(_first(encoded, max(places) + 1), BATCH):
            ids_BT, attend_BT = (torch.from_numpy(a).to(model.model.device) for a in padded(encoded, numbers))
            model.logits(ids_BT, attend_BT)
            out = seen.pop()
            for b, number in enumerate(numbers):
                found[number] = out[b][places.get(number, [])] if out.ndim == 3 else out[b : b + 1]
    finally:
        hook.remove()
    return torch.cat([found[number] for number in places])


def _first(encoded: Encoded, count: int) -> Encoded:
    """Return the first items alone."""
    return Encoded(encoded.ids[:count], encoded.places[:count], encoded.pad)
