"""The model card of a bundle: what it is, how to load it three ways, what was measured."""

from __future__ import annotations

import json

from edgeenc.report.facts import Facts
from edgeenc.report.sections import answers, headline, quality_section, title
from edgeenc.report.table import escape, markdown, markdown_table
from edgeenc.targets.sizes import ExportTask

OUTPUT = {
    "feature-extraction": "last hidden states, (1, tokens, {hidden})",
    "fill-mask": "logits, (1, tokens, {vocab})",
}


def model_card(facts: Facts, task: ExportTask, onnx: str, positions: int) -> str:
    """Return the card as Markdown with the front matter that model hubs read; `onnx` is the file the examples load."""
    student, language = facts["student"], facts["language"]
    front = {
        "language": language["tag"],
        "library_name": "transformers",
        "pipeline_tag": task,
        "tags": ["edgeenc", "onnx", "transformers.js", "bert", language["iso639_3"]],
    }
    dtype = "q8" if onnx.endswith("_quantized.onnx") else "fp32"
    output = OUTPUT[task].format(hidden=student["hidden"], vocab=student["vocab"])
    text = "" if facts["corpus"] == "starter" else f" --corpus {facts['corpus']}"
    return f"""---
{_yaml(front)}---

# {escape(title(facts))}

{escape(headline(facts))}
{_rehearsal(facts)}
{markdown_table(answers(facts))}

A masked language model for {escape(language["name"])}, made small with edgeenc {facts["edgeenc"]} by the recipe
`{facts["recipe"]}`: {student["layers"]} layers of {student["hidden"]} with {student["heads"]} heads,
FFN {student["ffn"]:,}, {student["vocab"]:,} pieces, {student["parameters"]:,} parameters. Texts are cut after
{positions} pieces. All that was measured is in `report/report.html`, `report/report.md` and `report/report.json`.

## Use it

With numpy, tokenizers and onnxruntime alone; run inside this folder:

```python
{_numpy_example(onnx, positions, output)}
```

With transformers:

```python
from transformers import AutoModelForMaskedLM, AutoTokenizer

tokenizer = AutoTokenizer.from_pretrained("path/to/this/folder")
model = AutoModelForMaskedLM.from_pretrained("path/to/this/folder")
```

With transformers.js:

```js
const run = await pipeline("{task}", "path/to/this/folder", {{ dtype: "{dtype}" }});
```

{markdown(quality_section(facts))}

## Limits

- It was trained to fill in masked words. A task such as classification needs a head and fine-tuning.
- Figures are those of held-out text of this build and of one host; `report/report.md` names it.
- Licence: that of the teacher ({escape(facts["teacher"]["source"])}) and of the text that it was trained on
  ({escape(facts["corpus"])}); look there before you pass it on.

## Build it again

`recipe.yaml` is the whole recipe: `edgeenc build --lang {language["tag"]} --recipe recipe.yaml{text}`.
`manifest.json` has the sha256 of every file, and `golden.jsonl` texts with their ids and first output values.
"""


def _rehearsal(facts: Facts) -> str:
    """Return a warning where the teacher knew nothing."""
    source = facts["teacher"]["source"]
    drawn = source.startswith("random weights")
    return (
        f"\n**A rehearsal: the teacher has {escape(source)}, so the model knows next to nothing.**\n" if drawn else ""
    )


def _numpy_example(onnx: str, positions: int, output: str) -> str:
    return f"""import json

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
print(np.abs(output[0, 0, :8] - golden["output"]).max())  # near 0"""


def _yaml(fields: dict[str, str | list[str]]) -> str:
    """Write flat front matter; strings are quoted, which JSON and YAML do alike (`no` is Norwegian, not false)."""
    return "".join(f"{key}: {json.dumps(value, ensure_ascii=False)}\n" for key, value in fields.items())
