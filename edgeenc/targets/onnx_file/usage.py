"""How the model card says that an ONNX file is run."""

from __future__ import annotations

from edgeenc.model.purpose import Purpose
from edgeenc.targets.target import Precision, Usage


def usage(precision: Precision, purpose: Purpose, positions: int, output: str) -> Usage:
    """Return the examples with the bare runtime, and with optimum and transformers.js."""
    optimum, dtype = purpose.card.optimum_class, precision.hub_name
    return Usage(
        f"""With numpy, tokenizers and onnxruntime alone; run inside this folder:

```python
{_numpy_example(precision.path, positions, output, purpose.card.first)}
```""",
        f"""With optimum, which also takes its tokenizer from this folder:

```python
from optimum.onnxruntime import {optimum}

model = {optimum}.from_pretrained("path/to/this/folder", subfolder="onnx", file_name="{precision.file}")
```

With transformers.js:

```js
const run = await pipeline("{purpose.name}", "path/to/this/folder", {{ dtype: "{dtype}" }});
```""",
    )


def _numpy_example(onnx: str, positions: int, output: str, first: str) -> str:
    return f"""import json
from dataclasses import dataclass

import numpy as np
import onnxruntime
from tokenizers import Tokenizer

tokenizer = Tokenizer.from_file("tokenizer.json")
tokenizer.enable_truncation({positions})
session = onnxruntime.InferenceSession("{onnx}")
with open("golden.jsonl", encoding="utf-8") as file:
    golden = json.loads(file.readline())
ids = np.array([tokenizer.encode(golden["text"]).ids])
feeds = {{"input_ids": ids, "attention_mask": np.ones_like(ids), "token_type_ids": np.zeros_like(ids)}}
(output,) = session.run(None, feeds)  # {output}
print(np.abs(output[{first}, :8] - golden["output"]).max())  # near 0"""
