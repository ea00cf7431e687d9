"""Gates: what must hold before a model is published, measured on real text after every change to a graph.

Axis letters: B batch, T tokens, H hidden, V vocabulary, N sentences.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import cycle
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer
from transformers import AutoTokenizer

from edgeenc.errors import GateError, InputError
from edgeenc.model.purpose import ExportTask
from edgeenc.recipe import Bounds
from edgeenc.targets.session import Ids, Output, Session
from edgeenc.text.specials import Specials

SIZES = (1, 3, 8)
"""Batch sizes that the gates go through in turn."""

EVERY = 7
"""In batches for a masked-LM file every 7th piece is masked, about the share (15 %) that a masked LM is trained on."""

LABELS = ("text-classification", "token-classification")

WORDS = 3
"""One-word texts, which make the shortest inputs there are."""


@dataclass(frozen=True, slots=True)
class Gate:
    """One check: its figure against its bound.

    Attributes:
        name: which check, e.g. `int8 mean cosine`.
        figure: what was measured.
        bound: what was asked; whether at least or at most follows from `unit`.
        passed: whether the figure is on the right side; a figure that is not a number never is.
        unit: `largest difference` (at most), `cosine` or `share` (at least).
        worst: the sentence with the worst figure.
    """

    name: str
    figure: float
    bound: float
    passed: bool
    unit: str
    worst: str


@dataclass(frozen=True, slots=True)
class GateBatch:
    """Sentences as a model reads them.

    Attributes:
        lines: (B,) the sentences.
        ids_BT: their pieces, padded at the end.
        attend_BT: 1 at pieces, 0 at padding.
        masked_BT: where a piece was replaced by the mask piece; nowhere for feature extraction.
    """

    lines: tuple[str, ...]
    ids_BT: Ids
    attend_BT: Ids
    masked_BT: NDArray[np.bool_]


def gate_batches(lines: Sequence[str], tokenizer: Tokenizer, positions: int, task: ExportTask) -> tuple[GateBatch, ...]:
    """Return all `lines` in batches of 1, 3 and 8 as they come, so that lengths mix and are padded, and the extremes.

    The extremes: one-word texts together; a text as long as the model reads (`positions` pieces) alone; and that text
    beside one word, which is then nearly all padding. Longer lines are cut at `positions`.

    Raises:
        InputError: there is no line with a word in it, or the tokenizer lacks a special piece.
    """
    lines = [line for line in lines if line.strip()]
    if not lines:
        raise InputError("the gates have no text: every held-out line is empty; give a corpus with sentences")
    words = list(dict.fromkeys(line.split()[0] for line in lines))[:WORDS]
    text = _long_text(lines, tokenizer, positions)
    groups = [*_groups(lines), words, [text], [words[0], text]]
    return tuple(_batch(group, tokenizer, positions, task) for group in groups)


def _groups(lines: Sequence[str]) -> Iterator[Sequence[str]]:
    start = 0
    for size in cycle(SIZES):
        if start >= len(lines):
            return
        yield lines[start : start + size]
        start += size


def _long_text(lines: Sequence[str], tokenizer: Tokenizer, positions: int) -> str:
    """Return lines joined, over and over, until they have at least `positions` pieces."""
    joined: list[str] = []
    pieces = 0
    for line in cycle(lines):
        joined.append(line)
        # a line of only characters that the tokenizer drops must not make this endless
        pieces += max(1, len(tokenizer.encode(line, add_special_tokens=False).ids))
        if pieces >= positions:
            return " ".join(joined)
    raise AssertionError("cycle over a non-empty sequence does not end")


def _batch(lines: Sequence[str], tokenizer: Tokenizer, positions: int, task: ExportTask) -> GateBatch:
    """Encode, cut at `positions` keeping the last piece, pad; for `fill-mask` mask every 7th piece from the first."""
    rows = [_cut(tokenizer.encode(line).ids, positions) for line in lines]
    shape = len(rows), max(map(len, rows))
    special = Specials.of(tokenizer)
    ids_BT = np.full(shape, special.pad, dtype=np.int64)
    attend_BT = np.zeros(shape, dtype=np.int64)
    masked_BT = np.zeros(shape, dtype=np.bool_)
    for b, row in enumerate(rows):
        ids_BT[b, : len(row)] = row
        attend_BT[b, : len(row)] = 1
        masked_BT[b, 1 : len(row) - 1 : EVERY] = task == "fill-mask"
    ids_BT[masked_BT] = special.mask
    return GateBatch(tuple(lines), ids_BT, attend_BT, masked_BT)


def _cut(ids: list[int], positions: int) -> list[int]:
    return ids if len(ids) <= positions else [*ids[: positions - 1], ids[-1]]


def tokenizer_gate(tokenizer: Tokenizer, folder: Path, lines: Sequence[str]) -> Gate:
    """Compare the ids of every line with those of the files in `folder`, as `tokenizers` and as transformers load them.

    Raises:
        InputError: the files cannot be loaded.
    """
    try:
        saved = Tokenizer.from_file(str(folder / "tokenizer.json"))
        library = AutoTokenizer.from_pretrained(folder, local_files_only=True)
    except Exception as error:  # the libraries raise bare Exception
        raise InputError(
            f"{folder}: the tokenizer files cannot be loaded ({error}); save the tokenizer again"
        ) from None
    wrong = []
    for line in lines:
        right = tokenizer.encode(line).ids
        if saved.encode(line).ids != right or library(line, verbose=False)["input_ids"] != right:
            wrong.append(line)
    figure = 1 - len(wrong) / max(1, len(lines))
    return Gate("tokenizer", figure, 1.0, not wrong and bool(lines), "share", wrong[0] if wrong else "")


def kept_pieces_gate(teacher: Tokenizer, student: Tokenizer, lines: Sequence[str]) -> Gate:
    """Compare the pieces of teacher and student on every line whose pieces the student has all kept.

    The figure is the share of those lines that both cut alike; a text that has none of them fails.
    """
    vocabulary = student.get_vocab()
    kept = [line for line in lines if all(piece in vocabulary for piece in teacher.encode(line).tokens)]
    wrong = [line for line in kept if teacher.encode(line).tokens != student.encode(line).tokens]
    figure = 1 - len(wrong) / max(1, len(kept))
    return Gate("kept pieces", figure, 1.0, not wrong and bool(kept), "share", wrong[0] if wrong else "")


def parity_gate(reference: Session, exported: Session, batches: Sequence[GateBatch], bound: float) -> Gate:
    """Compare float32 outputs at every real piece; the figure is the largest absolute difference."""
    found = []
    for batch in batches:
        right, other = (session(batch.ids_BT, batch.attend_BT) for session in (reference, exported))
        apart_BT = np.where(_read_BT(batch, right), np.abs(_by_piece(right) - _by_piece(other)).max(axis=-1), 0)
        found += zip(apart_BT.max(axis=-1).tolist(), batch.lines, strict=True)
    # a NaN must come out as the worst, and a comparison with it as a failure
    figure, worst = max(found, key=lambda pair: (np.isnan(pair[0]), pair[0]))
    return Gate("fp32 parity", figure, bound, figure <= bound, "largest difference", worst)


def int8_gates(fp32: Session, int8: Session, batches: Sequence[GateBatch], bounds: Bounds) -> tuple[Gate, ...]:
    """Compare int8 with float32: cosines of sentence vectors or of labels' probabilities, and what is put first."""
    if fp32.task == "feature-extraction":
        return _cosine_gates(fp32, int8, batches, bounds)
    agreement = _agreement_gate(fp32, int8, batches, bounds.labels if fp32.task in LABELS else bounds.agreement)
    if fp32.task == "fill-mask":
        return (agreement,)
    return agreement, *_cosine_gates(fp32, int8, batches, bounds)


def _by_piece(output: Output) -> Output:
    """Return an output (B, T, ...) as it is, and logits of texts (B, C) as if each text were one piece long."""
    return output[:, None, :] if output.ndim == 2 else output


def _read_BT(batch: GateBatch, output: Output) -> NDArray[np.bool_]:
    """Return which pieces of an output are read: the real ones; of a text's logits the only one."""
    return batch.attend_BT == 1 if output.ndim == 3 else np.ones((len(batch.lines), 1), dtype=np.bool_)


def _vectors(output: Output, batch: GateBatch, task: ExportTask) -> NDArray[np.float64]:
    """Return one vector a line: the mean hidden state, or the labels' probabilities, of the text or of all its pieces.

    Not the logits: those of two labels nearly cancel where a model is in doubt, and a breath of noise turns them round.
    """
    if task == "feature-extraction":
        return mean_pool(output, batch.attend_BT)
    kept = _probabilities(_by_piece(output)) * _read_BT(batch, output)[:, :, None]
    return kept.reshape(len(batch.lines), -1)


def _probabilities(logits: Output) -> NDArray[np.float64]:
    """Return the softmax over the last axis."""
    powers = np.exp(logits.astype(np.float64) - logits.max(axis=-1, keepdims=True))
    return powers / powers.sum(axis=-1, keepdims=True)


def _cosine_gates(fp32: Session, int8: Session, batches: Sequence[GateBatch], bounds: Bounds) -> tuple[Gate, Gate]:
    found = []
    for batch in batches:
        right_BH, other_BH = (
            _vectors(session(batch.ids_BT, batch.attend_BT), batch, fp32.task) for session in (fp32, int8)
        )
        norms_B = np.linalg.norm(right_BH, axis=-1) * np.linalg.norm(other_BH, axis=-1)
        found += zip(((right_BH * other_BH).sum(axis=-1) / norms_B).tolist(), batch.lines, strict=True)
    worst, line = min(found, key=lambda pair: (not np.isnan(pair[0]), pair[0]))
    mean = float(np.mean([cosine for cosine, _ in found]))
    return (
        Gate("int8 mean cosine", mean, bounds.mean_cosine, mean >= bounds.mean_cosine, "cosine", line),
        Gate("int8 worst cosine", worst, bounds.worst_cosine, worst >= bounds.worst_cosine, "cosine", line),
    )


def _agreement_gate(fp32: Session, int8: Session, batches: Sequence[GateBatch], bound: float) -> Gate:
    """Return the share of places at which both put the same piece or label first; the worst line has the lowest share.

    The places are the masked pieces of a masked LM, the real pieces of a tagger, the texts of a classifier.
    """
    same = masked = 0
    found = []
    for batch in batches:
        right, other = (session(batch.ids_BT, batch.attend_BT) for session in (fp32, int8))
        asked_BT = batch.masked_BT if fp32.task == "fill-mask" else _read_BT(batch, right)
        right, other = _by_piece(right), _by_piece(other)
        same_BT = (right.argmax(axis=-1) == other.argmax(axis=-1)) & asked_BT & np.isfinite(other).all(axis=-1)
        counts_B = asked_BT.sum(axis=-1)
        found += zip((same_BT.sum(axis=-1) / np.maximum(counts_B, 1)).tolist(), batch.lines, strict=True)
        same, masked = same + int(same_BT.sum()), masked + int(counts_B.sum())
    figure = same / max(1, masked)
    return Gate("int8 agreement", figure, bound, figure >= bound, "share", min(found)[1])


def mean_pool(hidden_BTH: Output, attend_BT: Ids) -> NDArray[np.float64]:
    """Return the mean (B, H) of the hidden states at real pieces.

    Worked example: states 1, 3 and 100 with the last one padding give 2.
    """
    weights_BT1 = attend_BT[:, :, None].astype(np.float64)
    return (hidden_BTH * weights_BT1).sum(axis=1) / np.maximum(weights_BT1.sum(axis=1), 1)


def require(gates: Sequence[Gate]) -> None:
    """Let a build go on only when every gate has passed.

    Raises:
        GateError: naming each failed gate, its figure, its bound and its worst sentence.
    """
    failed = [gate for gate in gates if not gate.passed]
    if failed:
        raise GateError("; ".join(map(_words, failed)) + "; nothing was published")


def _words(gate: Gate) -> str:
    side = "at most" if gate.unit == "largest difference" else "at least"
    worst = gate.worst if len(gate.worst) <= 120 else f"{gate.worst[:117]}..."
    return f"gate {gate.name}: {gate.unit} {gate.figure:.6g}, {side} {gate.bound:g} expected, worst on {worst!r}"
