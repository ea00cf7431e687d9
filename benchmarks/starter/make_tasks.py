"""Pack the starter kit's task sets: only sets that may be shipped, no training example that is also a test example.

    python benchmarks/starter/make_tasks.py DATA

DATA is a folder with `tasks/<set>/{train,validation,test}.jsonl.gz`, one example per line: `{"text", "label"}` or
`{"tokens", "tags"}`. Writes `edgeenc/starter/tasks/<task>-<lang>/{train,validation,test}.jsonl.xz`, the same bytes for
the same examples, and prints what went where.
"""

from __future__ import annotations

import gzip
import json
import lzma
import sys
from pathlib import Path
from typing import TypedDict, cast

from edgeenc.text.corpus import fingerprint, normalise

SETS = {
    "topic-tl": "tc-tl",
    "topic-mt": "tc-mt",
    "topic-sk": "tc-sk",
    "topic-sw": "tc-sw",
    "pos-tl": "pos-tl",
    "pos-mt": "pos-mt",
    "ner-sk": "ner-sk",
    "sentiment-sw": "sa-sw",
}
"""Name in the kit, and the set it comes from."""
SPLITS = ("train", "validation", "test")
SHORT = 15
"""Texts of at most this many characters ("Áno.") recur by chance; longer ones in train and test are a leak."""


class Example(TypedDict, total=False):
    """A text with its label, or tokens with their tags."""

    text: str
    label: str
    tokens: list[str]
    tags: list[str]


def read(path: Path) -> list[Example]:
    """Return the examples of one file, their text in NFC without control characters."""
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        return [clean(cast("Example", json.loads(line))) for line in lines]


def clean(example: Example) -> Example:
    """Return `example` with its text or tokens normalised; a token that this empties stands as it was."""
    if "tokens" in example:
        return {"tokens": [normalise(token) or token for token in example["tokens"]], "tags": example["tags"]}
    return {"text": normalise(example["text"]), "label": example["label"]}


def text_of(example: Example) -> str:
    """Return the whole text of an example."""
    return example["text"] if "text" in example else " ".join(example["tokens"])


def without(examples: list[Example], others: set[str]) -> list[Example]:
    """Return `examples` without those whose text, unless short, is also among the fingerprints `others`."""
    return [e for e in examples if len(text_of(e)) <= SHORT or fingerprint(text_of(e)) not in others]


def write(path: Path, examples: list[Example]) -> int:
    """Write `examples` as xz, the same bytes for the same examples; return the bytes."""
    path.parent.mkdir(parents=True, exist_ok=True)
    rows = "".join(json.dumps(e, ensure_ascii=False, separators=(",", ":")) + "\n" for e in examples)
    packed = lzma.compress(rows.encode(), preset=9 | lzma.PRESET_EXTREME)
    path.write_bytes(packed)
    return len(packed)


def main(data: Path) -> None:
    """Write every set; print its examples, what was left out, and its bytes."""
    kit = Path(__file__).parents[2] / "edgeenc" / "starter" / "tasks"
    everything = 0
    for name, source in SETS.items():
        parts = {split: read(data / "tasks" / source / f"{split}.jsonl.gz") for split in SPLITS}
        test = {fingerprint(text_of(e)) for e in parts["test"]}
        validation = {fingerprint(text_of(e)) for e in parts["validation"]}
        kept = {
            "train": without(parts["train"], test | validation),
            "validation": without(parts["validation"], test),
            "test": parts["test"],
        }
        size = sum(write(kit / name / f"{split}.jsonl.xz", examples) for split, examples in kept.items())
        everything += size
        counts = " / ".join(f"{len(kept[split]):,} (-{len(parts[split]) - len(kept[split])})" for split in SPLITS)
        print(f"{name}\tfrom {source}\t{counts}\t{size:,} bytes")
    print(f"all\t{everything:,} bytes")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
