"""Train the starter kit's multilingual teacher with the project's own masked-LM loop.

    python benchmarks/starter/make_teacher.py WORK OUT

WORK holds what `make_text.py` and `make_tokenizer.py` wrote. Goes on from its own checkpoints in WORK. Writes the
checkpoint to OUT with the weights as float16.
"""

from __future__ import annotations

import json
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from make_text import OTHERS, TARGETS
from safetensors.torch import load_file, save_file
from scipy.sparse import coo_array
from scipy.sparse.linalg import svds
from transformers import BertConfig, BertForMaskedLM

from edgeenc.compress.losses import chosen_logits, masked_lm
from edgeenc.machine.runtime import Runtime, available_threads, faster_dtype
from edgeenc.model.encoder import Encoder, load_encoder, load_tokenizer, save_encoder
from edgeenc.model.families import family_of
from edgeenc.stages.training import Schedule
from edgeenc.text.batches import Batching, Stream, encode, masked_stream
from edgeenc.text.corpus import read_lines
from edgeenc.training_loop import History, Job, Loss, Progress, train

SEED = 20261120
LENGTHS = (64,) * 7 + (256,) + (64,) * 7 + (512,)
EVEN = (0, 4, 1, 4, 2, 4, 3, 4)
"""Every second row is one of the four targets (tl, mt, sk, sw) in turn; the rest is the 37 others."""
LAGGING = (1, 4, 2, 4, 1, 4, 0, 4, 1, 4, 2, 4, 1, 4, 3, 4)
"""The same with more for the targets that lag: half of their share is Maltese, a quarter Slovak."""
EASY = Batching(tokens=2048, rate=0.3, lengths=LENGTHS, unit="tokens", pattern=EVEN)
HARD = Batching(tokens=2048, rate=0.3, lengths=LENGTHS, unit="words", pattern=EVEN)
LAST = Batching(tokens=2048, rate=0.3, lengths=LENGTHS, unit="words", pattern=LAGGING)
LOOK = Batching(tokens=2048, rate=0.15)


@dataclass(frozen=True)
class Phase:
    """A training from where the one before ended: its schedule, and from which step on which batches are read."""

    name: str
    schedule: Schedule
    reads: tuple[tuple[int, Batching], ...]


PHASES = (
    Phase("run", Schedule(6_600, 1e-3, warmup=300, decay=0.25, every=500), ((0, EASY), (4_500, HARD))),
    Phase("more", Schedule(1_300, 6e-4, warmup=100, decay=1.0, every=260), ((0, LAST),)),
)
"""Single tokens are masked first, which is the easier task, then whole words."""
WINDOW = 5
SPREAD = 0.03


def read_groups(work: Path) -> list[list[str]]:
    """Return the text of each target language, and of all others together."""
    read = {lang: read_lines(work / "teacher" / f"{lang}.txt.xz") for lang in (*TARGETS, *OTHERS)}
    return [read[lang] for lang in TARGETS] + [[line for lang in OTHERS for line in read[lang]]]


def cooccurrence_vectors(sentences: list[list[int]], size: int, width: int) -> tuple[np.ndarray, np.ndarray]:
    """Return word vectors (size, width) from positive pointwise mutual information, and the log unigram (size,).

    Counts in a window of 5, weight 1/distance; context exponent 0.75; singular vectors times the root of the values.

    Source: Levy, Goldberg, Dagan 2015, doi:10.1162/tacl_a_00134.
    """
    flat = np.concatenate([np.asarray([*s, -1], dtype=np.int64) for s in sentences])
    counts = coo_array((size, size), dtype=np.float64).tocsr()
    for gap in range(1, WINDOW + 1):
        left, right = flat[:-gap], flat[gap:]
        ends = np.concatenate([[0], np.cumsum(flat == -1)])
        same = (ends[:-1][: len(left)] == ends[gap:][: len(left)]) & (left >= 0) & (right >= 0)
        pairs = coo_array((np.full(int(same.sum()), 1.0 / gap), (left[same], right[same])), shape=(size, size)).tocsr()
        counts = counts + pairs + pairs.T
    counts = counts.tocoo()
    row, context = np.asarray(counts.sum(axis=1)).ravel(), np.asarray(counts.sum(axis=0)).ravel() ** 0.75
    mutual = np.log(counts.data * context.sum() / (row[counts.row] * context[counts.col]))
    keep = mutual > 0
    positive = coo_array((mutual[keep], (counts.row[keep], counts.col[keep])), shape=(size, size)).tocsr()
    left_vectors, values, _ = svds(positive, k=width, random_state=0)
    unigram = np.bincount(flat[flat >= 0], minlength=size) + 1.0
    return left_vectors * np.sqrt(values), np.log(unigram / unigram.sum())


def start(work: Path, groups: list[list[str]]) -> Encoder:
    """Return the untrained teacher: random layers over co-occurrence embeddings, output bias the log unigram."""
    tokenizer = load_tokenizer(work / "model")
    torch.manual_seed(SEED)
    config = BertConfig(
        vocab_size=tokenizer.get_vocab_size(),
        hidden_size=256,
        num_hidden_layers=6,
        num_attention_heads=4,
        intermediate_size=1024,
        max_position_embeddings=512,
        pad_token_id=tokenizer.token_to_id("[PAD]"),
    )
    model = BertForMaskedLM(config)
    share = [lines[: len(lines) // 3] if number == len(TARGETS) else lines for number, lines in enumerate(groups)]
    sentences = [ids for lines in share for ids in encode(lines, tokenizer)]
    vectors, unigram = cooccurrence_vectors(sentences, config.vocab_size, config.hidden_size)
    vectors = vectors / vectors.std() * SPREAD
    unseen = np.abs(vectors).sum(axis=1) == 0
    vectors[unseen] = np.random.default_rng(SEED).normal(0, SPREAD / 2, (int(unseen.sum()), vectors.shape[1]))
    with torch.no_grad():
        model.bert.embeddings.word_embeddings.weight.copy_(torch.from_numpy(vectors))
        model.cls.predictions.bias.copy_(torch.from_numpy(unigram))
        for layer in model.bert.encoder.layer[:2]:  # uniform attention that copies: begins as a bag of words
            for linear in (layer.attention.self.value, layer.attention.output.dense):
                linear.weight.copy_(torch.eye(config.hidden_size) + linear.weight)
    return Encoder(model.eval(), tokenizer, family_of("bert"))


def save_half(encoder: Encoder, out: Path) -> None:
    """Save `encoder` with its weights as float16, half the bytes; they are always loaded as float32."""
    save_encoder(encoder, out)
    weights = load_file(out / "model.safetensors")
    save_file({n: t.half() for n, t in weights.items()}, out / "model.safetensors", metadata={"format": "pt"})


def fit(encoder: Encoder, phase: Phase, groups: list[list[str]], looks: list[Stream], work: Path) -> History:
    """Train `encoder` in place through one phase; go on from its own checkpoint in WORK."""
    runtime = Runtime(dtype=faster_dtype(available_threads()), threads=available_threads(), save_seconds=120)
    seed = SEED + PHASES.index(phase)
    streams = [(first, masked_stream(groups, encoder.tokenizer, read, seed=seed)) for first, read in phase.reads]
    began = time.monotonic()

    def loss_at(step: int) -> Loss:
        batch = next(stream for first, stream in reversed(streams) if step >= first)(step)
        return Loss(masked_lm(chosen_logits(encoder, batch), batch.labels_P), batch.ids_BT.numel())

    def judge() -> float:
        losses = [mean_loss(encoder, held) for held in looks]
        row = "  ".join(f"{lang} {loss:.3f}" for lang, loss in zip(TARGETS, losses, strict=True))
        print(f"  look after {(time.monotonic() - began) / 60:.1f} min: {row}", flush=True)
        return float(np.mean(losses))

    def tell(now: Progress) -> None:
        if int(now.seconds_left) % 15 == 0:
            print(f"{now.step}/{now.steps} loss {now.loss:.3f} {now.tokens_per_second:.0f} tokens/s", flush=True)

    return train(encoder.model, loss_at, phase.schedule, judge, Job(seed, runtime, work / phase.name, tell))


def mean_loss(encoder: Encoder, held: Stream) -> float:
    """Return the loss on six fixed held-out batches: nats per token."""
    return float(np.mean([masked_lm(chosen_logits(encoder, b), b.labels_P) for b in map(held, range(6))]))


def main(work: Path, out: Path) -> None:
    """Train and save; print the held-out loss of each target at every look."""
    groups = read_groups(work)
    if not (work / "start").exists():
        save_encoder(start(work, groups), work / "start")
    encoder = load_encoder(work / "start")
    held = [read_lines(work / "heldout" / f"{lang}.txt.xz")[:600] for lang in TARGETS]
    looks = [masked_stream([lines], encoder.tokenizer, LOOK, seed=SEED) for lines in held]
    for phase in PHASES:
        history = fit(encoder, phase, groups, looks, work)
        print(json.dumps({"phase": phase.name, "tokens": history.tokens, "best_loss": history.best_loss}), flush=True)
    save_half(encoder, out)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
