"""Choose the starter kit's text: what may be shipped, no source too heavy, held-out lines modern.

    python benchmarks/starter/make_text.py DATA

DATA is a folder with `text/<lang>.txt.gz` and `text/sources.tsv` (columns file, first_line, last_line, source, domain,
period, licence, commercial_ok). Writes `edgeenc/starter/text/<lang>.{train,heldout}.txt.xz` and `sources.json` for the
four target languages. `make_teacher.py` reads the permitted text of these and of `OTHERS`.
"""

from __future__ import annotations

import csv
import gzip
import json
import lzma
import sys
from collections import defaultdict
from pathlib import Path

import numpy as np

from edgeenc.text.corpus import deduplicate, normalise

SEED = 20261120
TARGETS = ("tl", "mt", "sk", "sw")
OTHERS = (
    "en es pt fr de it ro nl pl cs sl uk ru bg el tr hu fi eu eo ar he fa ur hi bn ta vi id ms ceb ilo rw lg zu am ka"
).split()
LEFT_OUT = ("zh", "ja", "ko", "yue")
"""Left out whole: their characters are thousands."""
WANT_BYTES = 2_500_000
"""Text of a target language in the kit, where so much may be shipped."""
MOST_SHARE = 0.30
OTHER_BYTES = 1_500_000
HELD = 1_800

Source = dict[str, str]


def permitted(data: Path) -> dict[str, list[tuple[Source, list[str]]]]:
    """Return for each language its sources that may be shipped commercially, with their normalised lines."""
    rows = defaultdict(list)
    table = (data / "text" / "sources.tsv").read_text(encoding="utf-8")
    for row in csv.DictReader(table.splitlines(), delimiter="\t"):
        rows[row["file"].removesuffix(".txt.gz")].append(row)
    found = {}
    for language, sources in rows.items():
        packed = (data / "text" / f"{language}.txt.gz").read_bytes()
        lines = gzip.decompress(packed).decode().split("\n")
        seen: set[str] = set()
        found[language] = [
            (row, deduplicate(map(normalise, lines[int(row["first_line"]) - 1 : int(row["last_line"])]), seen))
            for row in sources
            if row["commercial_ok"] == "yes"
        ]
    return found


def size(lines: list[str]) -> int:
    """Return the UTF-8 bytes of `lines`, line ends included."""
    return sum(len(line.encode()) + 1 for line in lines)


def shuffled(lines: list[str], seed: int) -> list[str]:
    """Return `lines` in an order that depends on `seed` only."""
    return [lines[i] for i in np.random.default_rng(seed).permutation(len(lines))]


def first_bytes(lines: list[str], limit: float) -> list[str]:
    """Return the longest prefix of `lines` that has at most `limit` bytes."""
    total = np.cumsum([len(line.encode()) + 1 for line in lines])
    return lines[: int(np.searchsorted(total, limit, side="right"))]


def modern(source: Source) -> bool:
    """Tell whether a source is neither old nor a Bible."""
    return source["period"] == "modern" and source["domain"] != "bible"


def cut_held_out(sources: list[tuple[Source, list[str]]]) -> list[str]:
    """Return `HELD` lines of the modern sources, each source by its share of the lines."""
    pool = [line for source, lines in sources if modern(source) for line in lines]
    return shuffled(pool, SEED)[:HELD]


def balance(sources: list[tuple[Source, list[str]]]) -> list[tuple[Source, list[str]]]:
    """Return the kit's part of each source.

    Each has at most 30 % of what is wanted; where that is too little, the bound is lifted. Old text and Bibles take no
    part: a student of modern text alone found the teacher's nearest neighbour more often (LOG.md, 2026-11-28).
    """
    cap = MOST_SHARE * WANT_BYTES
    new = [(s, shuffled(t, SEED)) for s, t in sources if modern(s)]
    enough = sum(min(cap, size(t)) for _, t in new) >= WANT_BYTES
    return [(s, first_bytes(t, cap) if enough else t) for s, t in new if t]


def write(path: Path, lines: list[str]) -> None:
    """Write `lines` as xz, the same bytes for the same lines."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(lzma.compress("".join(f"{line}\n" for line in lines).encode(), preset=9))


def main(data: Path) -> None:
    """Write the kit's text."""
    kit = Path(__file__).parents[2] / "edgeenc" / "starter" / "text"
    table: dict[str, list[dict[str, str | int | float]]] = {}
    for language, sources in permitted(data).items():
        if language not in TARGETS:
            continue
        held = cut_held_out(sources)
        out = set(held)
        sources = [(s, [line for line in t if line not in out]) for s, t in sources]
        part = balance(sources)
        write(kit / f"{language}.train.txt.xz", shuffled([line for _, t in part for line in t], SEED))
        write(kit / f"{language}.heldout.txt.xz", held)
        total = sum(size(t) for _, t in part)
        table[language] = [
            {k: s[k] for k in ("source", "commit", "domain", "period", "licence")}
            | {"lines": len(t), "bytes": size(t), "share": round(size(t) / total, 4)}
            for s, t in part
        ]
    (kit / "sources.json").write_text(json.dumps(table, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
