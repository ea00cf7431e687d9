"""Run a PyTorch model through the interface of `session.Session`: the yardstick of every exported file.

Axis letters: B batch, T tokens.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from edgeenc.model.encoder import Encoder, load_encoder
from edgeenc.model.purpose import ExportTask
from edgeenc.targets.session import Ids, Output


class TorchSession:
    """A function of ids and attention in PyTorch, evaluated in float32."""

    def __init__(self, forward: Callable[[Tensor, Tensor], Tensor], task: ExportTask, device: str = "cpu") -> None:
        """Keep the function; `forward` takes ids (B, T) and attention (B, T) on `device`."""
        self._forward, self._device = forward, device
        self._task: ExportTask = task

    @property
    def task(self) -> ExportTask:
        """What the output is."""
        return self._task

    @torch.no_grad()
    def __call__(self, ids_BT: Ids, attend_BT: Ids) -> Output:
        """Return what `session.Session` says for this task."""
        out = self._forward(*(torch.from_numpy(array).to(self._device) for array in (ids_BT, attend_BT)))
        return out.cpu().numpy().astype(np.float32, copy=False)


def encoder_session(encoder: Encoder, task: ExportTask) -> TorchSession:
    """Return the session of an encoder: its last hidden states, or the logits of its masked-LM head."""
    if task == "feature-extraction":
        return TorchSession(encoder.hidden, task)
    return TorchSession(lambda ids_BT, attend_BT: encoder.logits(encoder.hidden(ids_BT, attend_BT)), task)


def checkpoint_session(folder: Path, task: ExportTask) -> TorchSession:
    """Return the session of a checkpoint folder: of its encoder, or of its classifier.

    Raises:
        InputError: the folder is no such checkpoint.
    """
    if task in ("feature-extraction", "fill-mask"):
        return encoder_session(load_encoder(folder), task)
    from edgeenc.model.classifier import load_task_model  # which itself needs the sessions' types

    return TorchSession(load_task_model(folder).logits, task)
