"""Last hidden states of an encoder, from which an app makes vectors of tokens or texts.

Axis letters: B batch, T tokens, H hidden.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from edgeenc.model import answers
from edgeenc.model.graph_text import GraphText
from edgeenc.model.purpose import CardWords, Computed, Head, Purpose, View

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from edgeenc.model.encoder import Encoder


def _of_encoder(encoder: Encoder) -> Computed:
    return Computed(encoder.model, encoder.hidden)


def _load(folder: Path) -> Computed:
    from edgeenc.model.encoder import load_encoder

    return _of_encoder(load_encoder(folder))


def mean_pool(hidden_BTH: NDArray[np.float32], attend_BT: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return the mean (B, H) of the hidden states at real tokens.

    Worked example: states 1, 3 and 100 with the last one padding give 2.
    """
    import numpy as np

    weights_BT1 = attend_BT[:, :, None].astype(np.float64)
    return (hidden_BTH * weights_BT1).sum(axis=1) / np.maximum(weights_BT1.sum(axis=1), 1)


_ANSWER = r"""def vector(text):
    _, states = run(text)
    return states[0].mean(axis=0)"""

FEATURE_EXTRACTION = Purpose(
    name="feature-extraction",
    default=True,
    output="last_hidden_state",
    auto_class="AutoModelForMaskedLM",
    load=_load,
    exported=lambda model: model.base_model,
    head=Head(text=GraphText((1600, 4860), (2650, 8100)), more_text=lambda family: family.body),
    view=View(vectors=mean_pool),
    card=CardWords(
        what="A masked language model",
        output="last hidden states, (1, tokens, {hidden})",
        first="0, 0",
        limit="It was trained to fill in masked words. Another task needs a head and fine-tuning.",
        optimum_class="ORTModelForFeatureExtraction",
        answer=_ANSWER,
        library_class="AutoModel",
    ),
    answer=answers.vector,
    of_encoder=_of_encoder,
)
