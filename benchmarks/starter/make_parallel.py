"""Pack the starter kit's line-parallel text: the test part of SIB-200 in eleven languages.

    python benchmarks/starter/make_parallel.py DATA

DATA is a folder with `tasks/tc-<lang>/test.jsonl.gz`, a text and its label per line, in the same order in every
language. Writes `edgeenc/starter/parallel/<lang>.txt.xz`, the same bytes for the same lines, and prints how much. The
labels, which are given to the line and not to its language, must be the same on every line; no line may be in the kit's
text to learn from.
"""

from __future__ import annotations

import gzip
import json
import lzma
import sys
from pathlib import Path

from edgeenc.text.corpus import fingerprint, normalise, read_lines

LANGUAGES = ("tl", "mt", "sk", "sw", "en", "es", "id", "it", "cs", "ceb", "ilo")
STARTER = Path(__file__).resolve().parents[2] / "edgeenc" / "starter"


def read(path: Path) -> tuple[list[str], list[str]]:
    """Return texts, in NFC without control characters, and labels of one file."""
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        rows = [json.loads(line) for line in lines]
    return [normalise(row["text"]) for row in rows], [row["label"] for row in rows]


def require_apart(language: str, texts: list[str]) -> None:
    """Stop where a line is in the kit's text."""
    for path in sorted((STARTER / "text").glob(f"{language}.*.txt.xz")):
        both = {fingerprint(line) for line in read_lines(path)} & {fingerprint(text) for text in texts}
        if both:
            sys.exit(f"{path.name}: {len(both)} lines are parallel lines too")


def main(data: Path) -> None:
    """Write the lines of every language."""
    (STARTER / "parallel").mkdir(exist_ok=True)
    _, first = read(data / "tasks" / f"tc-{LANGUAGES[0]}" / "test.jsonl.gz")
    for language in LANGUAGES:
        texts, labels = read(data / "tasks" / f"tc-{language}" / "test.jsonl.gz")
        if labels != first or any("\n" in text or not text for text in texts):
            sys.exit(f"{language}: its lines are not those of {LANGUAGES[0]}")
        require_apart(language, texts)
        packed = lzma.compress("".join(f"{text}\n" for text in texts).encode(), preset=9 | lzma.PRESET_EXTREME)
        (STARTER / "parallel" / f"{language}.txt.xz").write_bytes(packed)
        print(f"{language}: {len(texts)} lines, {len(packed):,} bytes")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
