"""An encoder of a given shape with random weights: the control that shows what copied weights are worth."""

from __future__ import annotations

from dataclasses import replace

import torch

from edgeenc.model.encoder import Encoder


def random_like(encoder: Encoder, seed: int) -> Encoder:
    """Return an encoder of the same shape and tokenizer whose weights are the library's random start from `seed`."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = encoder.anatomy.model_class(encoder.model.config)
    return replace(encoder, model=model.eval())
