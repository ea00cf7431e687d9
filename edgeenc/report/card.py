"""The model card of a bundle: what it is, how to load it three ways, what was measured."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

from edgeenc.model.purpose import Purpose
from edgeenc.record.facts import Facts
from edgeenc.record.gates import MOST_TOKENS
from edgeenc.report.draw.blocks import escape, markdown, markdown_table
from edgeenc.report.headline import answers, headline
from edgeenc.report.licence import attribution, licence, licence_words
from edgeenc.report.reading import of_facts
from edgeenc.report.sections.accuracy import scores_section
from edgeenc.report.sections.languages import languages_section
from edgeenc.report.sections.of_build import quality_sections
from edgeenc.report.sections.sentence_vectors import vectors_section
from edgeenc.report.title import title
from edgeenc.targets.target import Precision, Target, default_target

WEIGHTS = "model.safetensors"
"""PyTorch weights under another name are not for transformers."""


@dataclass(frozen=True)
class Shipped:
    """What a card is about.

    Attributes:
        target, precision: the file that the examples load.
        purpose: what it computes.
        positions: to how many tokens texts are truncated.
        weights: the file of the PyTorch weights.
        prompts: names of the prompts of sentence vectors.
    """

    target: Target
    precision: Precision
    purpose: Purpose
    positions: int
    weights: str = WEIGHTS
    prompts: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Words:
    """What the weights are, and what they cannot do."""

    what: str
    limit: str

    @staticmethod
    def of(purpose: Purpose, facts: Facts) -> _Words:
        """Return the words of a purpose; of an encoder whose masked-LM head nobody has trained, which is not there."""
        measured = facts.bits_per_character
        if purpose.labelled or purpose.pooled_from or (measured is not None and measured.student is not None):
            return _Words(purpose.card.what, purpose.card.limit)
        limit = "Its masked-LM head was never trained and is not among the weights; it gives hidden states."
        return _Words("An encoder", limit)


def model_card(facts: Facts, shipped: Shipped) -> str:
    """Return the card as Markdown with the front matter that model hubs read."""
    words = _Words.of(shipped.purpose, facts)
    return f"""---
{_yaml(_front(facts, shipped))}---

# {escape(title(facts))}

{escape(headline(facts))}
{_rehearsal(facts)}
{markdown_table(answers(facts))}

{_what(facts, shipped, words)}

## Use it

{_usage(facts, shipped)}

{_measured(facts)}

## Limits

- {words.limit}{_unchecked(shipped.positions)}
- Metrics are those of this build's test split, times those of one host; `report/report.md` names it.
- {licence_words(facts)}
{_sources(facts)}
## Build it again

`recipe.yaml` is the whole recipe: `edgeenc build --lang {_asked(facts)} --recipe recipe.yaml{_flags(facts, shipped)}`.
`manifest.json` has the sha256 of every file, and `golden.jsonl` texts with their ids and first output values.
"""


def _front(facts: Facts, shipped: Shipped) -> dict[str, str | list[str]]:
    """Return the fields of the front matter."""
    language, known = facts.language, licence(facts)
    family, card = [facts.student.family] if facts.student.family else [], shipped.purpose.card
    return ({"license": known} if known else {}) | {
        "language": language.tag.split("+") if "+" in language.tag else language.tag,
        "library_name": card.library or ("transformers" if shipped.weights == WEIGHTS else shipped.target.name),
        "pipeline_tag": card.tag or shipped.purpose.name,
        "tags": ["edgeenc", *card.more_tags, *shipped.target.tags, *family, *language.iso639_3.split("+")],
    }


def _what(facts: Facts, shipped: Shipped, words: _Words) -> str:
    """Return what the model is: its shape, and how much text it reads."""
    student = facts.student
    name, positions = escape(facts.language.name), shipped.positions
    return f"""{words.what} for {name}, made small with edgeenc {facts.edgeenc} by the recipe
`{facts.recipe}`: {student.layers} layers of {student.hidden} with {student.heads} heads,
FFN {student.ffn:,}, {student.vocab:,} tokens, {student.parameters:,} parameters. Texts are truncated
to {positions} tokens. All that was measured is in `report/report.html`, `report/report.md` and `report/report.json`."""


def _usage(facts: Facts, shipped: Shipped) -> str:
    """Return how the model is loaded, three ways."""
    purpose, student = shipped.purpose, facts.student
    output = purpose.card.output.format(hidden=student.hidden, vocab=student.vocab)
    usage = shipped.target.usage(shipped.precision, purpose, shipped.positions, output)
    torch = [] if purpose.card.libraries else [_in_pytorch(purpose, shipped.weights)]
    return "\n\n".join([usage.alone, *torch, usage.libraries.replace("ENCODE", _encoded(shipped.prompts))])


def _encoded(prompts: Sequence[str]) -> str:
    """Return how sentence-transformers is given texts: with each of the prompts, or without any where there is none."""
    if not prompts:
        return 'vectors = model.encode(["a text"])'
    return "\n".join(f'vectors = model.encode(["a text"], prompt_name={json.dumps(name)})' for name in prompts)


def _flags(facts: Facts, shipped: Shipped) -> str:
    """Return the flags of a build beside its language and recipe; those of a default are left out."""
    target, precision = shipped.target, shipped.precision
    flags = _text(facts) + shipped.purpose.card.flags
    flags += "" if target is default_target() else f" --target {target.name}"
    flags += "" if precision is target.precisions[-1] else f" --precision {precision.name}"
    return flags + "".join(f" --task {name}" for name in dict.fromkeys(row.task for row in facts.tasks))


def _in_pytorch(purpose: Purpose, weights: str) -> str:
    """Return how the weights are loaded in PyTorch: by transformers, or by edgeenc alone."""
    model_class = purpose.card.library_class or purpose.auto_class
    if weights == WEIGHTS:
        return f"""With transformers, another `run` for the same function:

```python
import torch
from transformers import {model_class}, AutoTokenizer

tokenizer = AutoTokenizer.from_pretrained(".")
model = {model_class}.from_pretrained(".")


def run(text):
    found = tokenizer(text, truncation=True, return_offsets_mapping=True, return_tensors="pt")
    offsets = found.pop("offset_mapping")[0].tolist()
    with torch.no_grad():
        return offsets, model(**found)[0].numpy()
```"""
    return f"""In PyTorch, with edgeenc. The adapters of this model are layers of their own, and transformers has
no place for them: it finds no weights here, and must not, since a part of them would be another model. All are in
`{weights}`; the ONNX files hold the adapters and need nothing but their runtime.

```python
from pathlib import Path

from edgeenc.model.classifier import load_task_model

model = load_task_model(Path("path/to/this/folder"))
```"""


def _unchecked(positions: int) -> str:
    """Return a line on the texts that no gate read, where the model reads longer ones."""
    if positions <= MOST_TOKENS:
        return ""
    return f"\n- Its files were compared on texts of up to {MOST_TOKENS:,} tokens; longer ones were not read."


def _measured(facts: Facts) -> str:
    """Return what was measured of the model: vectors and scores where there are any, and bits per character."""
    scored = [] if facts.vectors is None else [vectors_section(facts.vectors)]
    scored += [scores_section(of_facts(facts))] if facts.tasks else []
    several = [languages_section(facts)] if facts.languages else []
    return "\n\n".join(map(markdown, [*scored, *quality_sections(facts), *several]))


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


def _yaml(fields: dict[str, str | list[str]]) -> str:
    """Write flat front matter; strings are quoted, which JSON and YAML do alike (`no` is Norwegian, not false)."""
    return "".join(f"{key}: {json.dumps(value, ensure_ascii=False)}\n" for key, value in fields.items())
