"""Sentence vectors of peers on the same held-out text: a teacher, its trimmed form, model2vec, n-grams, students.

    nice python benchmarks/vectors.py TEACHER --lang tl --trim 12000 --static 256 --static all --student ours=BUNDLE
        --student published=BUNDLE --out benchmarks/results/vectors-tl_HOST_DATE.json

TEACHER is a checkpoint folder, `starter` the kit's. Text, labelled sets and parallel lines are the kit's, as in a build
(`edgeenc/steps/vectors.py`), and so are the measures. A student is a bundle, of which the smallest file is run, or a
checkpoint folder. `--static` needs `pip install 'model2vec[distill]>=0.9,<0.10'`: it distils static vectors of so many
dimensions from the teacher, with its defaults, and `--static-of trim` from the trimmed teacher, whose table is smaller.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from importlib.metadata import version
from pathlib import Path

import numpy as np
import torch

from edgeenc.compress.trim_vocab import trim_vocab
from edgeenc.machine.describe import describe, versions
from edgeenc.model.embed import Forward, embed, forward_of
from edgeenc.model.encoder import Encoder, load_encoder, load_tokenizer, save_encoder
from edgeenc.model.sentence_head import SentenceHead, read_sentence_head
from edgeenc.model.weights import weight_files
from edgeenc.record.form import plain
from edgeenc.record.host import Host
from edgeenc.record.vectors import TEACHER, LanguageVectors
from edgeenc.sources import find_teacher, starter_corpus
from edgeenc.sources.parallel import parallel_lines
from edgeenc.steps.line.vector_text import PIVOT, labelled_sets
from edgeenc.targets.target import target_of, targets
from edgeenc.tasks.task import open_task
from edgeenc.tasks.vectors.measure import (
    LanguageText,
    Models,
    ParallelLines,
    measure_language,
    some_texts,
)
from edgeenc.tasks.vectors.probe import probe_of
from edgeenc.tasks.vectors.reader import Reader, Vectors, prompts_of
from edgeenc.text.corpus import Corpus, deduplicate, read_lines, split_heldout

SEED = 0
FULL = "all"


@dataclass(frozen=True, slots=True, kw_only=True)
class Peer:
    """A model in the table: bytes of its weights, the length of its vectors, and seconds that making it took."""

    model: str
    precision: str
    bytes: int
    dimensions: int
    seconds: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class PeerResult:
    """What was measured, and of what."""

    teacher: str
    query: str
    passage: str
    peers: tuple[Peer, ...]
    language: LanguageVectors
    versions: dict[str, str]
    host: Host


@dataclass(frozen=True)
class Known:
    """A model that is measured, and its row."""

    peer: Peer
    reader: Reader


def main() -> None:
    """Measure, print the result and write it."""
    given = arguments()
    torch.set_num_threads(given.threads)
    corpus = kit_corpus(given.lang)
    folder = find_teacher(given.teacher, offline=True).folder
    teacher = load_encoder(folder)
    prompts = given.query, given.passage
    known = [in_torch(teacher, TEACHER, bytes_of(folder), prompts)]
    with tempfile.TemporaryDirectory() as scratch:
        if given.trim:
            begun = time.monotonic()
            small = trim_vocab(teacher, corpus.train, size=given.trim)
            save_encoder(small, Path(scratch) / "trim")
            size = bytes_of(Path(scratch) / "trim")
            known.append(in_torch(small, "trim-only", size, prompts, time.monotonic() - begun))
        for dimensions in given.static:
            source = Path(scratch) / "trim" if given.static_of == "trim" else folder
            known.append(static(source, dimensions, given.static_of, Path(scratch)))
    known += [student(name, prompts, given.threads) for name in given.student]
    text = kit_text(given.lang, corpus)
    models = Models(known[0].reader, tuple(one.reader for one in known[1:]), seed=SEED)
    figures, _ = measure_language(text, models, lambda said: print(said, flush=True))
    result = PeerResult(
        teacher=given.teacher if given.teacher == "starter" else folder.name,
        query=known[0].reader.query,
        passage=known[0].reader.passage,
        peers=tuple(one.peer for one in known),
        language=figures,
        versions=dict(versions()) | ({"model2vec": version("model2vec")} if given.static else {}),
        host=describe(),
    )
    found = json.dumps(plain(result), indent=1, ensure_ascii=False) + "\n"
    print(found)
    given.out.parent.mkdir(parents=True, exist_ok=True)
    given.out.write_text(found, encoding="utf-8")


def arguments() -> argparse.Namespace:
    """Return what was typed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("teacher")
    parser.add_argument("--lang", default="tl")
    parser.add_argument("--trim", type=int, default=0, help="tokens of the teacher that is merely trimmed")
    parser.add_argument("--static", action="append", default=[], help="dimensions of a static model, or all")
    parser.add_argument("--static-of", choices=("teacher", "trim"), default="teacher")
    parser.add_argument("--student", action="append", default=[], help="NAME=FOLDER")
    parser.add_argument("--query", default=None, help="prompt, where the teacher's folder says none")
    parser.add_argument("--passage", default=None)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--out", type=Path, required=True)
    return parser.parse_args()


def kit_corpus(language: str) -> Corpus:
    """Return the kit's text of a language as a build splits it."""
    train, heldout = starter_corpus(language)
    return split_heldout(deduplicate(read_lines(train)), read_lines(heldout))


def kit_text(language: str, corpus: Corpus) -> LanguageText:
    """Return what there is to measure on, as in a build."""
    tasks = ((spec.name, open_task(spec, SEED, offline=True).data) for spec in labelled_sets(language))
    probes = (probe_of(name, data) for name, data in tasks)
    lines, others = parallel_lines(language), parallel_lines(PIVOT)
    pairs = (ParallelLines(lines, others, PIVOT, by_teacher=True),) if lines and others and language != PIVOT else ()
    texts = some_texts(corpus.test)
    return LanguageText(language, texts, tuple(probe for probe in probes if probe is not None), pairs)


Prompts = tuple[str | None, str | None]


def in_torch(encoder: Encoder, name: str, size: int, prompts: Prompts, seconds: float = 0.0) -> Known:
    """Return an encoder that runs in PyTorch."""
    head = encoder.sentence or SentenceHead()
    reader = reads((name, "torch"), forward_of(encoder), encoder, prompts)
    dimensions = head.dimensions(encoder.shape.hidden)
    return Known(Peer(model=name, precision="torch", bytes=size, dimensions=dimensions, seconds=seconds), reader)


def reads(name: tuple[str, str], forward: Forward, encoder: Encoder, prompts: Prompts) -> Reader:
    """Return a reader with the prompts that were typed, or else those of its files."""
    own = prompts_of(encoder.sentence)
    query, passage = (said if typed is None else typed for typed, said in zip(prompts, own, strict=True))
    tokenizer, longest = encoder.tokenizer, encoder.longest_text

    def read(texts: Sequence[str]) -> Vectors:
        return embed(forward, tokenizer, texts, longest=longest)

    return Reader(*name, read, query, passage)


def static(folder: Path, dimensions: str, source: str, scratch: Path) -> Known:
    """Return static vectors of a model's tokens, distilled by model2vec; prompts are left out, as its users do."""
    from model2vec.distill import distill

    begun = time.monotonic()
    model = distill(str(folder), pca_dims=None if dimensions == FULL else int(dimensions), device="cpu")
    name = f"model2vec {dimensions}, {source}"
    model.save_pretrained(scratch / "static")
    seconds = time.monotonic() - begun

    def read(texts: Sequence[str]) -> Vectors:
        return np.asarray(model.encode(list(texts), use_multiprocessing=False), dtype=np.float32)

    width = read(["a"]).shape[1]
    size = bytes_of(scratch / "static")
    peer = Peer(model=name, precision="static", bytes=size, dimensions=width, seconds=seconds)
    return Known(peer, Reader(name, "static", read))


def student(typed: str, prompts: Prompts, threads: int) -> Known:
    """Return the smallest file of a bundle, or a checkpoint in PyTorch."""
    name, _, place = typed.partition("=")
    folder = Path(place)
    if not any(target.files_in(folder) for target in targets()):
        return in_torch(load_encoder(folder), name, bytes_of(folder), prompts)
    precision, path = target_of(folder).smallest_in(folder)
    session = precision.open(path, threads, None)
    encoder = replace(load_encoder(folder), sentence=read_sentence_head(folder), tokenizer=load_tokenizer(folder))
    pool = session.purpose.view.vectors

    def forward(ids_BT: np.ndarray, attend_BT: np.ndarray) -> Vectors:
        output = session(ids_BT, attend_BT)
        return output if pool is None else pool(output, attend_BT).astype(np.float32)

    reader = reads((name, precision.name), forward, encoder, prompts)
    width = reader.searches(["a"]).shape[1]
    peer = Peer(model=name, precision=precision.name, bytes=path.stat().st_size, dimensions=width)
    return Known(peer, reader)


def bytes_of(folder: Path) -> int:
    """Return the bytes of a folder's weights."""
    return sum(path.stat().st_size for path in weight_files(folder))


if __name__ == "__main__":
    main()
