"""What the purposes with labels share: how a checkpoint is loaded, and the vectors that gates compare.

Axis letters: B batch, T tokens, C labels.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from edgeenc.model.purpose import Computed

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


def load_classifier(folder: Path) -> Computed:
    """Return what computes the logits of a classifier's checkpoint folder.

    Raises:
        InputError: a file is missing or damaged, or the folder holds no classifier.
    """
    from edgeenc.model.classifier import load_task_model

    model = load_task_model(folder)
    return Computed(model.model, model.logits)


def text_vectors(logits_BC: NDArray[np.float32], attend_BT: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return the labels' probabilities (B, C) of each text.

    Not the logits: those of two labels nearly cancel where a model is in doubt, and a breath of noise turns them round.
    """
    return _probabilities(logits_BC)


def token_vectors(logits_BTC: NDArray[np.float32], attend_BT: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return the labels' probabilities (B, T * C) of all real tokens of each text, one after the other."""
    kept_BTC = _probabilities(logits_BTC) * (attend_BT == 1)[:, :, None]
    return kept_BTC.reshape(len(kept_BTC), -1)


def _probabilities(logits: NDArray[np.float32]) -> NDArray[np.float64]:
    """Return the softmax over the last axis."""
    import numpy as np

    powers = np.exp(logits.astype(np.float64) - logits.max(axis=-1, keepdims=True))
    return powers / powers.sum(axis=-1, keepdims=True)
