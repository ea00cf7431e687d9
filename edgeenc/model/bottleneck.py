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
from edgeenc.model.shape import Shape, shape_of

if TYPE_CHECKING:
    from transformers import PretrainedConfig, PreTrainedModel

FIELD = "edgeenc_adapters"
"""Field of `config.json` that tells of such adapters: their reduction factor, under the names of its first version, so
that all files can be read. The library keeps it and does not read it."""


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


def width_of(shape: Shape, reduction_factor: int) -> int:
    """Return the neurons of a bottleneck; at least one."""
    return max(1, shape.hidden // reduction_factor)


def added_parameters(shape: Shape, reduction_factor: int) -> int:
    """Return how many parameters the bottlenecks of a model have.

    Worked example: 12 layers of 768 at reduction factor 16 are 48 neurons a layer:
    12 * (2 * 768 * 48 + 48 + 768) = 894,528.
    """
    width = width_of(shape, reduction_factor)
    return shape.layers * (2 * shape.hidden * width + width + shape.hidden)


def add_sequential(model: PreTrainedModel, reduction_factor: int, seed: int) -> None:
    """Add a sequential adapter to each block, in place, and write so into the model's configuration."""
    shape = shape_of(model.config)
    family, width = shape.table, width_of(shape, reduction_factor)
    model.config.update({FIELD: {"placement": "behind", "reduction": reduction_factor}})
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        for name, norm in list(_last_norms(model, family)):
            model.set_submodule(name, SequentialAdapter(norm, width))


def reduction_of(config: PretrainedConfig) -> int | None:
    """Return the reduction factor of the sequential adapters, or None where there are none."""
    found = getattr(config, FIELD, None)
    return int(found["reduction"]) if isinstance(found, dict) else None


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
