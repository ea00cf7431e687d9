"""An app that hands a labelled model running text gets the labels that were scored, by the files of the folder alone.

The way of an app is written out here, as the model card has it, and shares no code with the scorer.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from transformers import AutoTokenizer, PreTrainedTokenizerBase

from edgeenc.bundle.gate import AppReading, Exported, GateCase, GateKind
from edgeenc.model.answers import NO_LABEL
from edgeenc.record.gates import Gate
from edgeenc.tasks.encode import encode
from edgeenc.tasks.item import Item
from edgeenc.tasks.scores.predict import predict
from edgeenc.tasks.tags.running_text import running_text

ENOUGH = 0.995
"""Share of words: sums of a batch and of a text alone differ in their last bits, which seldom changes a label."""


def in_an_app_gate(file: Exported, asked: AppReading, case: GateCase) -> Gate:
    """Return the share of words with the label that was scored; the worst text has the lowest share."""
    encoded = encode(asked.items, asked.kind, case.tokenizer, asked.positions)
    scored = predict(file.session, encoded, asked.labels)
    library = AutoTokenizer.from_pretrained(case.folder, local_files_only=True)
    found, same, words = list[tuple[float, str]](), 0, 0
    for item, right in zip(asked.items, scored, strict=True):
        text, said = _in_an_app(file, item, asked.labels, library)
        hits = sum(one == other for one, other in zip(said, right, strict=True))
        same, words = same + hits, words + len(right)
        found.append((hits / max(1, len(right)), text))
    figure = same / max(1, words)
    return Gate(f"{file.precision} in an app", figure, ENOUGH, figure >= ENOUGH, "share", min(found)[1])


def _in_an_app(
    file: Exported, item: Item, labels: Sequence[str], library: PreTrainedTokenizerBase
) -> tuple[str, Sequence[str]]:
    """Return the text of an item and the label of each of its words, read at the word's first token."""
    text, starts = running_text(item.words, item.spaces)
    found = library(text, truncation=True, verbose=False).encodings
    assert found is not None, "a fast tokenizer gives them"
    read = found[0]
    ids_BT = np.asarray([read.ids], dtype=np.int64)
    output = file.session(ids_BT, np.ones_like(ids_BT))[0]
    if output.ndim == 1:
        return text, [labels[int(output.argmax())]]
    said = []
    for start, word in zip(starts, item.words, strict=True):
        spans = enumerate(read.offsets)
        first = next((t for t, (a, b) in spans if a < b and a < start + len(word) and b > start), None)
        said.append(NO_LABEL if first is None else labels[int(output[first].argmax())])
    return text, said


def _measure(case: GateCase) -> Iterator[Gate]:
    if case.labelled is not None:
        yield from (in_an_app_gate(file, case.labelled, case) for file in case.files if not file.rounded)


IN_AN_APP = GateKind("in an app", _measure)
