"""Run a PyTorch model through the interface of `session.Session`: the yardstick of every exported file.

Axis letters: B batch, T tokens.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from edgeenc.model.encoder import Encoder
from edgeenc.model.purpose import Purpose
from edgeenc.targets.sessions.session import Ids, Output


class TorchSession:
    """A function of ids and attention in PyTorch, evaluated in float32."""

    def __init__(self, forward: Callable[[Tensor, Tensor], Tensor], purpose: Purpose, device: str = "cpu") -> None:
        """Keep the function; `forward` takes ids (B, T) and attention (B, T) on `device`."""
        self._forward, self._device = forward, device
        self._purpose = purpose

    @property
    def purpose(self) -> Purpose:
        """What the output is."""
        return self._purpose

    @torch.no_grad()
    def __call__(self, ids_BT: Ids, attend_BT: Ids) -> Output:
        """Return what `session.Session` says for this purpose."""
        out = self._forward(*(torch.from_numpy(array).to(self._device) for array in (ids_BT, attend_BT)))
        return out.cpu().numpy().astype(np.float32, copy=False)


def encoder_session(encoder: Encoder, purpose: Purpose) -> TorchSession:
    """Return the session of an encoder.

    Raises:
        ValueError: an encoder alone does not compute this; labels must be learnt first.
    """
    if purpose.of_encoder is None:
        raise ValueError(f"{purpose.name} is not computed by an encoder alone")
    return TorchSession(purpose.of_encoder(encoder).forward, purpose)


def checkpoint_session(folder: Path, purpose: Purpose) -> TorchSession:
    """Return the session of a checkpoint folder: of its encoder, or of its classifier.

    Raises:
        InputError: the folder is no such checkpoint.
    """
    return TorchSession(purpose.load(folder).forward, purpose)
