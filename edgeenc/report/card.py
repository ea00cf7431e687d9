"""The model card of a bundle: what it is, how to load it three ways, what was measured."""

from __future__ import annotations

import json

from edgeenc.model.purpose import Purpose
from edgeenc.record.facts import Facts
from edgeenc.report.draw.blocks import escape, markdown, markdown_table
from edgeenc.report.headline import answers, headline
from edgeenc.report.licence import attribution, licence, licence_words
from edgeenc.report.reading import of_facts
from edgeenc.report.sections.accuracy import scores_section
from edgeenc.report.sections.languages import languages_section
from edgeenc.report.sections.of_build import quality_section
from edgeenc.report.title import title


def model_card(facts: Facts, purpose: Purpose, onnx: str, positions: int, weights: str = "model.safetensors") -> str:
    """Return the card as Markdown with the front matter that model hubs read; `onnx` is the file the examples load.

    `weights` is the file of the PyTorch weights; under another name than usual they are not for transformers.
    """
    student, language = facts.student, facts.language
    known, family = licence(facts), [student.family] if student.family else []
    front = ({"license": known} if known else {}) | {
        "language": language.tag.split("+") if "+" in language.tag else language.tag,
        "library_name": "transformers" if weights == "model.safetensors" else "onnx",
        "pipeline_tag": purpose.name,
        "tags": ["edgeenc", "onnx", "transformers.js", *family, *language.iso639_3.split("+")],
    }
    dtype = "q8" if onnx.endswith("_quantized.onnx") else "fp32"
    output = purpose.card.output.format(hidden=student.hidden, vocab=student.vocab)
    text = _text(facts)
    text, optimum = text + purpose.card.flags, purpose.card.optimum_class
    text += " --precision fp32" if dtype == "fp32" else ""
    text += "".join(f" --task {name}" for name in dict.fromkeys(row.task for row in facts.tasks))
    return f"""---
{_yaml(front)}---

# {escape(title(facts))}

{escape(headline(facts))}
{_rehearsal(facts)}
{markdown_table(answers(facts))}

{purpose.card.what} for {escape(language.name)}, made small with edgeenc {facts.edgeenc} by the recipe
`{facts.recipe}`: {student.layers} layers of {student.hidden} with {student.heads} heads,
FFN {student.ffn:,}, {student.vocab:,} tokens, {student.parameters:,} parameters. Texts are cut after
{positions} tokens. All that was measured is in `report/report.html`, `report/report.md` and `report/report.json`.

## Use it

With numpy, tokenizers and onnxruntime alone; run inside this folder:

```python
{_numpy_example(onnx, positions, output, purpose.card.first)}
```

{_in_pytorch(purpose.auto_class, weights)}

With optimum, which also takes its tokenizer from this folder:

```python
from optimum.onnxruntime import {optimum}

model = {optimum}.from_pretrained("path/to/this/folder", subfolder="onnx", file_name="{onnx.rpartition("/")[2]}")
```

With transformers.js:

```js
const run = await pipeline("{purpose.name}", "path/to/this/folder", {{ dtype: "{dtype}" }});
```

{_measured(facts)}

## Limits

- {purpose.card.limit}
- Figures are those of held-out text of this build and of one host; `report/report.md` names it.
- {licence_words(facts)}
{_sources(facts)}
## Build it again

`recipe.yaml` is the whole recipe: `edgeenc build --lang {_asked(facts)} --recipe recipe.yaml{text}`.
`manifest.json` has the sha256 of every file, and `golden.jsonl` texts with their ids and first output values.
"""


def _in_pytorch(model_class: str, weights: str) -> str:
    """Return how the weights are loaded in PyTorch: by transformers, or by edgeenc alone."""
    if weights == "model.safetensors":
        return f"""With transformers:

```python
from transformers import {model_class}, AutoTokenizer

tokenizer = AutoTokenizer.from_pretrained("path/to/this/folder")
model = {model_class}.from_pretrained("path/to/this/folder")
```"""
    return f"""In PyTorch, with edgeenc. The adapters of this model are layers of their own, and transformers has
no place for them: it finds no weights here, and must not, since a part of them would be another model. All are in
`{weights}`; the ONNX files hold the adapters and need nothing but their runtime.

```python
from pathlib import Path

from edgeenc.model.classifier import load_task_model

model = load_task_model(Path("path/to/this/folder"))
```"""


def _measured(facts: Facts) -> str:
    """Return what was measured of the model: scores on tasks where there are any, and bits per character."""
    scored = [scores_section(of_facts(facts))] if facts.tasks else []
    several = [languages_section(facts)] if facts.languages else []
    return "\n\n".join(map(markdown, [*scored, quality_section(facts), *several]))


def _asked(facts: Facts) -> str:
    """Return what `--lang` was: the tag, of several languages with their weights."""
    shares = [f"{one.tag}:{one.weight:g}" for one in facts.languages]
    return "+".join(shares) or facts.language.tag


def _text(facts: Facts) -> str:
    """Return the flags of the text, which the kit's has no need of."""
    if several := facts.languages:
        return "".join(f" --corpus {one.tag}={one.corpus}" for one in several if one.corpus != "starter")
    return "" if facts.corpus == "starter" else f" --corpus {facts.corpus}"


def _sources(facts: Facts) -> str:
    """Return the sources that must be named, where they are the kit's."""
    named = attribution(facts)
    return "" if named is None else f"\n**{escape(named.caption)}**\n\n{markdown_table(named)}\n"


def _rehearsal(facts: Facts) -> str:
    """Return a warning where the teacher knew nothing."""
    source = facts.teacher.source
    drawn = source.startswith("random weights")
    return (
        f"\n**A rehearsal: the teacher has {escape(source)}, so the model knows next to nothing.**\n" if drawn else ""
    )


def _numpy_example(onnx: str, positions: int, output: str, first: str) -> str:
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
print(np.abs(output[{first}, :8] - golden["output"]).max())  # near 0"""


def _yaml(fields: dict[str, str | list[str]]) -> str:
    """Write flat front matter; strings are quoted, which JSON and YAML do alike (`no` is Norwegian, not false)."""
    return "".join(f"{key}: {json.dumps(value, ensure_ascii=False)}\n" for key, value in fields.items())
