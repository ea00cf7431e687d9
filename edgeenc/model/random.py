"""An encoder of a given shape with random weights: a control, or the stand-in for a teacher that is not at hand."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import torch

from edgeenc.model.config import load_encoder_config
from edgeenc.model.encoder import Encoder, load_tokenizer
from edgeenc.model.shape import shape_of


def random_like(encoder: Encoder, seed: int) -> Encoder:
    """Return an encoder of the same shape and tokenizer whose weights are the library's random start from `seed`."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = encoder.family.model_class(encoder.model.config)
    return replace(encoder, model=model.eval())


def random_encoder(folder: Path, seed: int) -> Encoder:
    """Return an encoder with the configuration and tokenizer of `folder`, and a random start from `seed`.

    Biases and norms, which the library starts as zeros and ones, get noise: equal tensors would be exported once, and
    the file would be smaller than that of the real model.

    Raises:
        InputError: configuration or tokenizer are missing or damaged.
    """
    config = load_encoder_config(folder)
    family = shape_of(config).table
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = family.model_class(config)
        with torch.no_grad():
            for parameter in model.parameters():
                if parameter.ndim == 1:
                    parameter.add_(0.02 * torch.randn_like(parameter))
    return Encoder(model.eval(), load_tokenizer(folder), family)
