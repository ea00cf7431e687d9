"""Take in a synthetic text of a gigabyte, read it back, count its tokens and pack its rows; print peak memory of each.

    python benchmarks/large_text.py WORK [--megabytes 1000]

Each part is a process of its own. WORK gets the text and all that is made of it; remove it afterwards.
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import time
from pathlib import Path

import click

PARTS = ("take-in", "count", "pack")


def write_text(path: Path, size: int) -> None:
    """Write lines of about 450 bytes: words of the kit's Tagalog text in random order, so that few lines repeat."""
    import numpy as np

    from edgeenc.sources import starter_corpus
    from edgeenc.text.corpus import read_lines

    words = np.array(" ".join(read_lines(starter_corpus("tl")[0])).split())
    chance, written = np.random.default_rng(0), 0
    with path.open("w", encoding="utf-8") as file:
        while written < size:
            block = "\n".join(" ".join(row) for row in chance.choice(words, (2000, 75))) + "\n"
            written += file.write(block)


def part(name: str, work: Path) -> dict:
    """Do one part and return what it found."""
    from edgeenc.model.encoder import load_tokenizer
    from edgeenc.sources import teacher_folder
    from edgeenc.text.batches import Batching, masked_stream
    from edgeenc.text.corpus import load_corpus
    from edgeenc.text.intake import take_in
    from edgeenc.text.vocabulary import count_tokens

    if name == "take-in":
        tally = take_in(work / "text.txt", work / "corpus", 0)
        return {"lines": tally.lines, "repeated": tally.repeated, "bytes": tally.bytes}
    corpus = load_corpus(work / "corpus")
    tokenizer = load_tokenizer(teacher_folder("starter", offline=True))
    if name == "count":
        return {"tokens": int(count_tokens(corpus.train, tokenizer).sum()), "characters": corpus.characters}
    stream = masked_stream([corpus.train], tokenizer, Batching(lengths=(64, 256)), seed=0, folder=work / "rows")
    for step in range(1000):
        stream(step)
    return {f"rows of {length}": len(rows[0]) for length, rows in stream.groups.items()} | {"batches drawn": 1000}


@click.command()
@click.argument("work", type=click.Path(path_type=Path, file_okay=False))
@click.option("--megabytes", default=1000, show_default=True)
@click.option("--only", type=click.Choice(PARTS), hidden=True)
def main(work: Path, megabytes: int, only: str | None) -> None:
    """Print one JSON object a part: seconds, peak memory of its process in MB, and what it found."""
    work.mkdir(parents=True, exist_ok=True)
    if only is None:
        write_text(work / "text.txt", megabytes * 1_000_000)
        for name in PARTS:
            subprocess.run([sys.executable, __file__, str(work), "--only", name], check=True, env=os.environ)
        return
    began = time.monotonic()
    found = part(only, work)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6
    print(json.dumps({"part": only, "seconds": round(time.monotonic() - began), "peak_mb": round(peak)} | found))


if __name__ == "__main__":
    main()
