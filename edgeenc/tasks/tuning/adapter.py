"""A parallel adapter at each feed-forward block, trained on a frozen encoder, and merged into the block exactly.

Axis letters: H hidden, F neurons of the feed-forward block, D neurons of the bottleneck.

The published adapters (arXiv:2005.00247, used by arXiv:2505.16956) are sequential, with an activation of their own, and
stay a layer of their own for ever. Parallel to the block (arXiv:2110.04366) and with the block's activation, the
bottleneck is D more neurons: ``act([W1; A] x)`` and ``[W2, B]``. So the merged model is an ordinary one with F + D
neurons, which every library loads, at the same number of parameters but for one bias. The published ones are in
`model/bottleneck.py`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from edgeenc.model.classifier import TaskModel, rebuilt
from edgeenc.model.family import Family

if TYPE_CHECKING:
    from collections.abc import Iterator


class _Up(nn.Module):
    """The first linear layer of a block with D more outputs."""

    def __init__(self, old: nn.Linear, width: int) -> None:
        super().__init__()
        self.old, self.new = old, nn.Linear(old.in_features, width)

    def forward(self, x: Tensor) -> Tensor:
        """Return (..., F + D)."""
        return torch.cat([self.old(x), self.new(x)], dim=-1)

    def whole(self) -> nn.Linear:
        """Return both as one layer."""
        return _linear(torch.cat([self.old.weight, self.new.weight]), torch.cat([self.old.bias, self.new.bias]))


class _Down(nn.Module):
    """The second linear layer of a block with D more inputs, which start without effect."""

    def __init__(self, old: nn.Linear, width: int) -> None:
        super().__init__()
        self.old, self.new = old, nn.Linear(width, old.out_features, bias=False)
        nn.init.zeros_(self.new.weight)

    def forward(self, x: Tensor) -> Tensor:
        """Return (..., H)."""
        split = self.old.in_features
        return self.old(x[..., :split]) + self.new(x[..., split:])

    def whole(self) -> nn.Linear:
        """Return both as one layer."""
        return _linear(torch.cat([self.old.weight, self.new.weight], dim=1), self.old.bias)


def with_adapters(model: TaskModel, family: Family, reduction_factor: int, seed: int) -> None:
    """Put a bottleneck of hidden / `reduction_factor` neurons beside each block, in place; it starts without effect."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        for name, axes in _blocks(model, family):
            old = model.model.get_submodule(name)
            assert isinstance(old, nn.Linear)
            width = max(1, (old.in_features if axes[0] == "ffn" else old.out_features) // reduction_factor)
            model.model.set_submodule(name, _Up(old, width) if axes[0] == "ffn" else _Down(old, width))


def merged(model: TaskModel, family: Family) -> TaskModel:
    """Return the same function as an ordinary model whose feed-forward blocks have D more neurons.

    The outputs are equal but for the order of the sums: in float64 within 1e-12.
    """
    wide = {name: m.whole() for name, m in model.model.named_modules() if isinstance(m, _Up | _Down)}
    state = {name: t for name, t in model.model.state_dict().items() if not name.startswith(tuple(wide))}
    for name, layer in wide.items():
        state |= {f"{name}.{part}": tensor for part, tensor in layer.state_dict().items()}
    ffn = next(layer.out_features for name, layer in wide.items() if _axes(name, family)[0] == "ffn")
    return rebuilt(model, state, ffn)


def _blocks(model: TaskModel, family: Family) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Yield names and axes of the linear layers that have the neurons of a block on one side."""
    linear = [name for name, module in model.model.named_modules() if isinstance(module, nn.Linear)]
    for name in linear:
        if family.layer_of(f"{name}.weight") is not None and "ffn" in (axes := _axes(name, family)):
            yield name, axes


def _axes(name: str, family: Family) -> tuple[str, ...]:
    return family.axes(f"{name}.weight")


def _linear(weight: Tensor, bias: Tensor) -> nn.Linear:
    """Return a linear layer with these parameters."""
    layer = nn.Linear(weight.shape[1], weight.shape[0], dtype=weight.dtype)
    layer.load_state_dict({"weight": weight.detach(), "bias": bias.detach()})
    return layer
