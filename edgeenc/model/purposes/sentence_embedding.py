"""One vector a text, (B, D), pooled, mapped and given its length inside the file, as the teacher's folder says.

Axis letters: B batch, T tokens, H hidden, D dimensions of the vector.
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
    """Return what computes vectors; of an encoder whose files say nothing of them, the mean at length one."""
    from edgeenc.model.sentence_head import SentenceHead

    pool = encoder.sentence or SentenceHead()
    forward = lambda ids_BT, attend_BT: pool(encoder.hidden(ids_BT, attend_BT), attend_BT)  # noqa: E731
    return Computed(encoder.model, forward, pool)


def _load(folder: Path) -> Computed:
    from edgeenc.model.encoder import load_encoder
    from edgeenc.model.sentence_head import read_sentence_head

    read_sentence_head(folder)  # strictly: an encoder leaves out what is not known
    return _of_encoder(load_encoder(folder))


def _vectors(vectors_BD: NDArray[np.float32], attend_BT: NDArray[np.int64]) -> NDArray[np.float64]:
    return vectors_BD.astype("float64")


_ANSWER = r"""with open("config_sentence_transformers.json", encoding="utf-8") as file:
    said = json.load(file)


def vector(text, use=said["default_prompt_name"]):  # a name of a prompt, such as "query"
    return run(said["prompts"].get(use, "") + text)[1][0]"""

_LIBRARIES = r"""With sentence-transformers, in PyTorch (float32) or with the exported file; both put a prompt of
`config_sentence_transformers.json` before a text where it is named, or is the default there:

```python
from sentence_transformers import SentenceTransformer

model = SentenceTransformer(".")
model = SentenceTransformer(".", backend="onnx", model_kwargs={"file_name": "FILE"})
ENCODE
```

With fastembed, which puts no prompt before a text:

```python
from fastembed import TextEmbedding
from fastembed.common.model_description import ModelSource, PoolingType

TextEmbedding.add_custom_model(
    model="mine", model_file="FILE", pooling=PoolingType.DISABLED, normalization=False,
    output_name="sentence_embedding", sources=ModelSource(hf="mine"), dim=1,  # only shown
)
vectors = list(TextEmbedding("mine", specific_model_path=".").embed(["a text"]))
```

With transformers.js, also without prompts:

```js
const tokenizer = await AutoTokenizer.from_pretrained("path/to/this/folder");
const model = await AutoModel.from_pretrained("path/to/this/folder", { dtype: "DTYPE" });
const { sentence_embedding } = await model(tokenizer(["a text"], { padding: true, truncation: true }));
```

Its pipeline pools by itself and knows no Dense module. Where `modules.json` names none it gives the same vectors, with
`pooling` ("mean" or "cls") as `1_Pooling/config.json` says and `normalize` where `modules.json` names Normalize:

```js
const run = await pipeline("feature-extraction", "path/to/this/folder", { dtype: "DTYPE" });
const vectors = await run(["a text"], { pooling: "mean", normalize: true });
```

A prompt says what a vector is for: what is searched with is a query, what is searched through a passage. Texts that are
compared get the prompts that the teacher was trained with, or the vectors are worse; `modules.json` says how a vector
is made."""

SENTENCE_EMBEDDING = Purpose(
    name="sentence-embedding",
    output="sentence_embedding",
    pooled_from="token_embeddings",
    read_as="last_hidden_state",
    traced="feature-extraction",
    auto_class="AutoModelForMaskedLM",
    load=_load,
    exported=lambda model: model.base_model,
    head=Head(text=GraphText((2303, 4860), (3354, 8100)), more_text=lambda family: family.body),
    view=View(vectors=_vectors),
    card=CardWords(
        what="A model of sentence vectors",
        output="one vector, (1, dimensions)",
        first="0",
        limit="Its vectors can be compared with each other, and with its teacher's only as far as the report says.",
        optimum_class="ORTModelForFeatureExtraction",
        answer=_ANSWER,
        libraries=_LIBRARIES,
        tag="sentence-similarity",
        library="sentence-transformers",
        more_tags=("sentence-transformers", "sentence-similarity", "feature-extraction"),
        flags=" --export-task sentence-embedding",
        library_class="AutoModel",
    ),
    answer=answers.text_vector,
    of_encoder=_of_encoder,
)
