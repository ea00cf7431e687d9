"""A teacher that stands still while a student learns."""

from __future__ import annotations

import copy
from dataclasses import replace

from torch import nn

from edgeenc.model.encoder import Encoder


def frozen(teacher: Encoder, device: str) -> Encoder:
    """Return `teacher` without gradients, on `device`; it shares its weights where they are there already."""
    own = teacher.model.parameters()
    still: dict[int, object] = {id(p): nn.Parameter(p.detach(), requires_grad=False) for p in own}
    return replace(teacher, model=nn.Module.to(copy.deepcopy(teacher.model, still), device))
