"""How the model card says that an ONNX file is run."""

from __future__ import annotations

from edgeenc.model.purpose import Purpose
from edgeenc.targets.target import Precision, Usage


def usage(precision: Precision, purpose: Purpose, positions: int, output: str) -> Usage:
    """Return the examples with the bare runtime, and with optimum and transformers.js."""
    optimum, dtype = purpose.card.optimum_class, precision.hub_name
    own = purpose.card.libraries.replace("FILE", precision.path).replace("DTYPE", dtype)
    return Usage(
        f"""With numpy, tokenizers and onnxruntime alone; run inside this folder:

```python
{_alone(precision.path, positions, output, purpose)}
```""",
        own
        or f"""With optimum, `run` as with transformers; the tokenizer is that of this folder too:

```python
from optimum.onnxruntime import {optimum}

model = {optimum}.from_pretrained(".", subfolder="onnx", file_name="{precision.file}")
```

With transformers.js:

```js
const run = await pipeline("{purpose.name}", "path/to/this/folder", {{ dtype: "{dtype}" }});
```""",
    )


def _alone(onnx: str, positions: int, output: str, purpose: Purpose) -> str:
    asked = f'["{purpose.output}"]' if purpose.pooled_from else "None"  # of several outputs the one that is meant
    return f"""import json

import numpy as np
import onnxruntime
from tokenizers import Tokenizer

tokenizer = Tokenizer.from_file("tokenizer.json")
tokenizer.enable_truncation({positions})
session = onnxruntime.InferenceSession("{onnx}")


def run(text):
    found = tokenizer.encode(text)
    ids = np.array([found.ids])
    feeds = {{"input_ids": ids, "attention_mask": np.ones_like(ids), "token_type_ids": np.zeros_like(ids)}}
    feeds = {{one.name: feeds[one.name] for one in session.get_inputs()}}
    return found.offsets, session.run({asked}, feeds)[0]  # {output}


{purpose.card.answer}


with open("golden.jsonl", encoding="utf-8") as file:
    golden = json.loads(file.readline())
print(np.abs(run(golden["text"])[1][{purpose.card.first}, :8] - golden["output"]).max())  # near 0"""
