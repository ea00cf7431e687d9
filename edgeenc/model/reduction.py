"""What a configuration tells of sequential adapters, for which no library of tensors is loaded; see `bottleneck`."""

from __future__ import annotations

from edgeenc.model.shape import Shape
from edgeenc.model.weights import OWN_WEIGHTS, WEIGHTS

FIELD = "edgeenc_adapters"
"""Field of `config.json` that tells of such adapters: their reduction factor, under the names of its first version, so
that all files can be read. The library keeps it and does not read it."""


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


def reduction_of(config: object) -> int | None:
    """Return the reduction factor of the sequential adapters, or None where there are none."""
    found = getattr(config, FIELD, None)
    return int(found["reduction"]) if isinstance(found, dict) else None


def weights_of(config: object) -> str:
    """Return the name of the file with the weights of a model of this configuration."""
    return WEIGHTS if reduction_of(config) is None else OWN_WEIGHTS
