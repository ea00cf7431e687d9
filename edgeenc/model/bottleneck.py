"""A sequential adapter after each feed-forward block, as arXiv:2505.16956 trains it: a layer of its own, also exported.

Axis letters: H hidden, D neurons of the bottleneck (the hidden size over the reduction factor, rounded down).

With s the sum that goes into the last norm of a layer, the layer gives ``norm(s + up(relu(down(norm(s)))))``: the
bottleneck reads the normed state, its result is added to the sum, and the same norm follows. `up` starts at zero, so
that a new bottleneck changes nothing. Between two norms it cannot be merged into other weights, so the graph has two
more products a layer, and no class of transformers can hold the weights: such a checkpoint names them otherwise.

Source: arXiv:2005.00247 (the placement), arXiv:2505.16956 (reduction factor 16, and 2 to 128 tried).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from edgeenc.model.family import Family
from edgeenc.model.reduction import FIELD, reduction_of, width_of
from edgeenc.model.shape import shape_of

if TYPE_CHECKING:
    from transformers import PreTrainedModel


class SequentialAdapter(nn.LayerNorm):
    """The last norm of a layer, under its old names, with a bottleneck before it."""

    def __init__(self, old: nn.LayerNorm, width: int) -> None:
        super().__init__(list(old.normalized_shape), eps=old.eps, device=old.weight.device, dtype=old.weight.dtype)
        self.load_state_dict(old.state_dict())
        for name, parameter in old.named_parameters():
            self.get_parameter(name).requires_grad_(parameter.requires_grad)
        hidden = old.normalized_shape[-1]
        self.down, self.up = (
            nn.Linear(*sizes, device=old.weight.device, dtype=old.weight.dtype)
            for sizes in ((hidden, width), (width, hidden))
        )
        nn.init.zeros_(self.up.weight)
        nn.init.zeros_(self.up.bias)

    def forward(self, input: Tensor) -> Tensor:
        """Return (..., H)."""
        normed = super().forward(input)
        return super().forward(input + self.up(F.relu(self.down(normed))))


def add_sequential(model: PreTrainedModel, reduction_factor: int, seed: int) -> None:
    """Add a sequential adapter to each block, in place, and write so into the model's configuration."""
    shape = shape_of(model.config)
    family, width = shape.table, width_of(shape, reduction_factor)
    model.config.update({FIELD: {"placement": "behind", "reduction": reduction_factor}})
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        for name, norm in list(_last_norms(model, family)):
            model.set_submodule(name, SequentialAdapter(norm, width))


def with_its_own(model: PreTrainedModel) -> PreTrainedModel:
    """Return a fresh model of the library with the sequential adapters that its configuration tells of."""
    reduction = reduction_of(model.config)
    if reduction is not None:
        add_sequential(model, reduction, seed=0)
    return model


def _last_norms(model: nn.Module, family: Family) -> Iterator[tuple[str, nn.LayerNorm]]:
    """Yield the norm that follows the down projection of each layer."""
    down = False
    for name, module in model.named_modules():
        if family.layer_of(f"{name}.weight") is None:
            continue
        if isinstance(module, nn.Linear) and family.axes(f"{name}.weight") == ("hidden", "ffn"):
            down = True
        elif isinstance(module, nn.LayerNorm) and down:
            down = False
            yield name, module
