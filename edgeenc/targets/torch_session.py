"""Run the PyTorch model through the interface of `session.Session`: the yardstick of every exported file.

Axis letters: B batch, T tokens, H hidden, V vocabulary.
"""

from __future__ import annotations

import numpy as np
import torch

from edgeenc.model.encoder import Encoder
from edgeenc.targets.session import Ids, Output
from edgeenc.targets.sizes import ExportTask


class TorchSession:
    """An encoder in PyTorch, evaluated in float32 on the CPU."""

    def __init__(self, encoder: Encoder, task: ExportTask) -> None:
        """Keep the encoder; it is not changed."""
        self._encoder = encoder
        self._task: ExportTask = task

    @property
    def task(self) -> ExportTask:
        """What the output is."""
        return self._task

    @torch.no_grad()
    def __call__(self, ids_BT: Ids, attend_BT: Ids) -> Output:
        """Return last hidden states (B, T, H) or logits (B, T, V)."""
        hidden_BTH = self._encoder.hidden(torch.from_numpy(ids_BT), torch.from_numpy(attend_BT))
        output = hidden_BTH if self._task == "feature-extraction" else self._encoder.logits(hidden_BTH)
        return output.numpy().astype(np.float32, copy=False)
